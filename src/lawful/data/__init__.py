"""The packaged sweep: ``stdlib_bytes.csv``, how it was tuned, and its recipe."""
