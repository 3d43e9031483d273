"""Holding laws and recipes against one another."""
