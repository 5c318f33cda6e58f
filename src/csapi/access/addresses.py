"""From where a key may be used."""

from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Any

from csapi.kit.db import StartupError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAPPED_BITS = 96


def read_network(text: str) -> Network:
    """A network in CIDR form, or one address. Raises ValueError, also where bits of hosts are set.

    What is IPv4 written as IPv6 (::ffff:192.0.2.0/120) is IPv4.
    """
    network = ip_network(text, strict=True)
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < MAPPED_BITS:
        return network
    return IPv4Network((mapped, network.prefixlen - MAPPED_BITS))


def read_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    return tuple(read_network(text) for text in texts)


def read_proxies(text: str) -> tuple[Network, ...]:
    """The networks of CSAPI_TRUSTED_PROXIES. Raises StartupError."""
    try:
        return read_networks(filter(None, text.replace(" ", "").split(",")))
    except ValueError as error:
        what = f"Correct CSAPI_TRUSTED_PROXIES: {error}. Name networks such as 10.0.0.0/8."
        raise StartupError(what) from None


def read_address(text: str) -> Address | None:
    """An address as a socket or a proxy gives it; None where it is none."""
    try:
        address = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == each.version and address in each for each in networks)


def covers(networks: Sequence[Network], wanted: Network) -> bool:
    """Whether one of the networks holds all of `wanted`."""
    return any(
        each.version == wanted.version
        and each.network_address <= wanted.network_address  # type: ignore[operator]
        and each.broadcast_address >= wanted.broadcast_address  # type: ignore[operator]
        for each in networks
    )


def address_of(scope: Any, proxies: Sequence[Network]) -> Address | None:
    """Whose request it is: the peer of the socket; behind proxies that we trust, and behind those
    alone, the last address in X-Forwarded-For that is none of them. What stands in front of it
    anybody may have written. None where it cannot be known."""
    client = scope.get("client")
    address = None if client is None else read_address(str(client[0]))
    if address is None or not is_within(address, proxies):
        return address
    lines = [
        value.decode("latin-1") for key, value in scope["headers"] if key == b"x-forwarded-for"
    ]
    hops = ",".join(lines).split(",") if lines else []
    for hop in reversed(hops):
        address = read_address(hop)
        if address is None or not is_within(address, proxies):
            return address
    return address
