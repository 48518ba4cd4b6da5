"""``python -m service.cli``: the same as the tuneloop command."""

from service.cli import main

main()
