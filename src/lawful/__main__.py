"""``python -m lawful`` is the ``lawful`` command."""

from lawful.cli import main

main()
