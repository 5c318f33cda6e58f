"""From where a request comes, and whether that is within networks."""

from typing import Any

import pytest

from csapi.access.addresses import (
    address_of,
    covers,
    is_within,
    read_network,
    read_networks,
    read_proxies,
)
from csapi.kit.db import StartupError

PROXIES = read_networks(["10.0.0.0/8", "fd00::/8"])


def scope(client: str | None, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", each.encode("latin-1")) for each in forwarded]
    return {"client": None if client is None else (client, 5), "headers": headers}


@pytest.mark.parametrize(
    ("client", "forwarded", "found"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        # Nobody whom we trust says so.
        ("192.0.2.1", ["10.0.0.1"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        # What the client wrote stands in front of what the proxies have added.
        ("10.0.0.1", ["203.0.113.9, 198.51.100.7, 10.0.0.2"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.9", "198.51.100.7"], "198.51.100.7"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.7"], "198.51.100.7"),
        ("fd00::1", ["2001:db8::5"], "2001:db8::5"),
        ("fe80::1%eth0", [], "fe80::1"),
        ("10.0.0.1", ["198.51.100.7, unknown"], None),
        ("10.0.0.1", [""], None),
        (None, ["198.51.100.7"], None),
    ],
)
def test_the_address_is_the_last_that_nobody_can_forge(
    client: str | None, forwarded: list[str], found: str | None
) -> None:
    address = address_of(scope(client, *forwarded), PROXIES)
    assert (None if address is None else str(address)) == found


def test_without_trusted_proxies_headers_mean_nothing() -> None:
    assert str(address_of(scope("10.0.0.1", "198.51.100.7"), ())) == "10.0.0.1"


def test_ipv4_in_ipv6_is_ipv4() -> None:
    assert str(read_network("::ffff:192.0.2.0/120")) == "192.0.2.0/24"
    assert str(read_network("::ffff:192.0.2.1")) == "192.0.2.1/32"
    assert str(read_network("::/0")) == "::/0"
    address = address_of(scope("::ffff:192.0.2.9"), ())
    assert address is not None
    assert is_within(address, read_networks(["192.0.2.0/24"]))
    assert not is_within(address, read_networks(["::/0", "192.0.3.0/24"]))


@pytest.mark.parametrize(
    "text", ["", "x", "192.0.2.1/24", "192.0.2.0/33", "1.2.3", "2001:db8::/129"]
)
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_network(text)


def test_networks_cover_what_lies_within() -> None:
    networks = read_networks(["192.0.2.0/24", "2001:db8::/32"])
    assert all(covers(networks, each) for each in read_networks(["192.0.2.7", "2001:db8:1::/48"]))
    assert not any(covers(networks, each) for each in read_networks(["192.0.0.0/16", "::/0"]))


def test_proxies_are_read_from_one_line() -> None:
    assert read_proxies("10.0.0.0/8, fd00::/8,") == PROXIES
    assert read_proxies("") == ()
    with pytest.raises(StartupError, match="CSAPI_TRUSTED_PROXIES"):
        read_proxies("10.0.0.1/8")
