"""Fine-tuning: ways of it weighed by data, money and memory, and which of many models to tune."""
