"""Several modalities: one model or one each, where synergy begins, shares of the data."""
