"""Ports on loopback that stay the same from one start to the next."""

import json
import random
import socket
from pathlib import Path

from evenscreen.infra.local.state import write_private
from evenscreen.schemas.errors import Fatal

# Below the range from which Linux and macOS take the source ports of outgoing connections: a port that is
# free now cannot become one of those while the server behind it is still starting.
LOWEST, HIGHEST = 20_000, 32_000
TRIES = 200


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1 at `port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def is_open(port: int) -> bool:
    """Whether something accepts connections on 127.0.0.1 at `port`."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    for _ in range(TRIES):
        port = random.randrange(LOWEST, HIGHEST)
        if is_free(port):
            return port
    raise Fatal(f"No free port was found on 127.0.0.1 between {LOWEST} and {HIGHEST}.")


def settled(path: Path, names: tuple[str, ...]) -> dict[str, int]:
    """A free port per name: those recorded in `path` where they are still free, so that clients survive."""
    known = json.loads(path.read_bytes()) if path.exists() else {}
    ports = {name: known[name] if name in known and is_free(known[name]) else free_port() for name in names}
    if ports != known:
        write_private(path, json.dumps(ports).encode())
    return ports


def recorded(path: Path, name: str) -> int | None:
    """The port that the last start used."""
    return int(json.loads(path.read_bytes())[name]) if path.exists() else None
