"""Searching for a law: a grammar of terms, a beam over it, trials by forecasts."""
