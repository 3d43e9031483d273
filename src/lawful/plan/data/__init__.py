"""Which data: how often to repeat, how to mix, how hard to filter, how much of a domain."""
