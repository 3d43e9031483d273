"""The best decision and the best frontier, found: a program of variables and gaps, Newton for many cases at once, the
spread over draws, the worth of a bound, what to say where nothing is possible.
"""
