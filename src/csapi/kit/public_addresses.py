"""Where others may send us: public addresses, by https; never into the network that csapi runs in.

A name says nothing about where it leads: it is looked at when it is given, so that whoever made a
mistake learns of it, and what counts is the address at the moment of the connection
(checked_http.py).
"""

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from typing import Literal
from urllib.parse import SplitResult, urlsplit

LONGEST_URL = 2_000

# Beyond what ipaddress calls not global: special purposes, the wire server of Azure, relays of
# 6to4, multicast.
SPECIAL_V4 = ("192.0.0.0/24", "168.63.129.16/32", "192.88.99.0/24", "224.0.0.0/4", "240.0.0.0/4")
BLOCKED_V4 = tuple(map(IPv4Network, SPECIAL_V4))
# What is routed at all. Mapped, compatible and translated (NAT64) IPv4 lie outside.
ROUTED_V6 = IPv6Network("2000::/3")
# Special purposes, Teredo and ORCHID among them; documentation; 6to4, which holds an IPv4 address.
SPECIAL_V6 = ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
BLOCKED_V6 = tuple(map(IPv6Network, SPECIAL_V6))
LOCAL_NAMES = ("localhost", "local", "internal", "localdomain")

Refusal = Literal["scheme", "host", "user", "fragment", "blocked", "characters", "port"]
REFUSALS: dict[Refusal, str] = {
    "scheme": "The URL starts with https://.",
    "host": "The URL names a host.",
    "user": "The URL carries no user or password.",
    "fragment": "The URL has no fragment.",
    "characters": "The URL is ASCII without spaces: write names of other scripts as xn--….",
    "port": "The port is a number from 1 to 65535.",
    "blocked": "The address is not a public one: csapi calls the internet alone.",
}


def is_public(text: str) -> bool:
    """Whether an address, as a resolver gives it, is one of the internet."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in each for each in BLOCKED_V4)
    is_routed = address in ROUTED_V6 and address.scope_id is None
    return is_routed and address.is_global and not any(address in each for each in BLOCKED_V6)


def is_loopback(text: str) -> bool:
    try:
        return ip_address(text).is_loopback
    except ValueError:
        return False


def may_connect(text: str, *, insecure: bool) -> bool:
    return is_public(text) or (insecure and is_loopback(text))


def literal_address(host: str) -> str | None:
    """The address that a host is, in whatever spelling: 127.1, 0x7f000001, 2130706433, ::1."""
    try:
        return str(ip_address(host))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def refusal(url: str, *, insecure: bool) -> Refusal | None:
    """What is wrong with a URL; None if nothing is that can be told without looking it up."""
    if not url.isascii() or any(each <= " " or each in '\x7f"<>\\^`{|}' for each in url):
        return "characters"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "port" if "[" not in url else "host"
    if parts.scheme not in (("https", "http") if insecure else ("https",)):
        return "scheme"
    if not host or not parts.netloc:
        return "host"
    if port == 0:
        return "port"
    return refused_part(parts, host, insecure=insecure)


def refused_part(parts: SplitResult, host: str, *, insecure: bool) -> Refusal | None:
    if "@" in parts.netloc:
        return "user"
    if parts.fragment:
        return "fragment"
    address = literal_address(host.rstrip("."))
    if address is not None:
        return None if may_connect(address, insecure=insecure) else "blocked"
    is_local = host.rstrip(".").rsplit(".", 1)[-1] in LOCAL_NAMES
    return "blocked" if is_local and not insecure else None
