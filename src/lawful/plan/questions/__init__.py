"""The survey's eight questions, one module each: what is asked, what is weighed, what is recommended.

``topic`` holds what they share; ``lawful.plan.advice`` asks them of a situation. Beside each module lies a TOML file of
the same name with its guidance as data: texts with their sources.
"""
