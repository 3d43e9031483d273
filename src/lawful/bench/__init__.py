"""Benchmarks that anyone can run again: forecasts on public data, and faults planted in simulated runs."""
