"""Training curves under learning-rate schedules: fitting them and predicting others."""
