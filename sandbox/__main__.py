"""``python -m sandbox --port P``: the stand-in Labelbox as a process."""

import sys
from collections.abc import Sequence

from sandbox.app import assemble, make_app
from sandbox.server import Server, address_of, bind
from sandbox.settings import read_arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; 1 where the address cannot be had."""
    settings = read_arguments(argv)
    try:
        bound = bind(settings.host, settings.port)
    except OSError as error:
        sys.stderr.write(f"sandbox: cannot listen on {settings.host}:{settings.port}: {error.strerror}\n")
        return 1
    address = address_of(bound)
    with bound:
        Server(make_app(assemble(settings, base_url=address)), lambda: _say(address)).run(sockets=[bound])
    return 0


def _say(address: str) -> None:
    sys.stdout.write(f"sandbox listening on {address}/graphql\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
