"""How large and for how long: over-training, ensembles of small models, batch and learning rate by law."""
