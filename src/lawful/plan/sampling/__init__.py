"""Test time: coverage of samples, which model with how many, classes of queries, verifiers that err."""
