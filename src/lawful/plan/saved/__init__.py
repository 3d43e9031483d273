"""Plans in files: hashed, compared, made again, and held to a policy before money is spent."""
