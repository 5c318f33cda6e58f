"""Whether an address can be listened on."""

import socket


def try_to_listen(host: str, port: int) -> tuple[str, int]:
    """The IP address of `host` and the port, a free one for 0. Raises OSError, saying why not."""
    family, kind, protocol, _, target = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trial.bind(target)
        trial.listen(1)
        return str(target[0]), int(trial.getsockname()[1])
