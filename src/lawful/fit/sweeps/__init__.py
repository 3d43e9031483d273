"""Optimal hyper-parameters of a sweep: bowls in each cell, and laws of their minima."""
