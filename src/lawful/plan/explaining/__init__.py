"""What a decision answers to and what a change is owed to: elasticities, sensitivity, whose doubt the doubt is,
attribution.
"""
