"""The survey's eight questions, a module each: what is asked, what is weighed, what is recommended.

Where that is long, the sections of a file, the answers and the notes to them have modules of the question's name.

``topic`` holds what they share; ``lawful.plan.advice`` asks them of a situation. Beside each module lies a TOML file of
the same name with its guidance as data: texts with their sources.
"""
