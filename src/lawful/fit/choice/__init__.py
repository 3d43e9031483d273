"""Choosing a form: candidates, their rolling forecasts, the choice and the stack."""
