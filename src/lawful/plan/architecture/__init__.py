"""Which shape, which vocabulary, how many streams, and which of several architectures wins at a scale."""
