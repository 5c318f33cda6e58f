"""Where webhooks may go: every private, special or disguised address is refused."""

import pytest

from csapi.kit.public_addresses import is_public, may_connect, refusal

BLOCKED = (
    "0.0.0.0", "0.1.2.3",  # noqa: S104  an address like the others
    "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.9.9.9",
    "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1",
    "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "224.0.1.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "168.63.129.16",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8",
    "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1",
    "2001:10::1", "2002:7f00:1::", "2002:a00:1::1", "3fff::1", "fc00::1", "fd00:ec2::254",
    "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "5f00::1", "4000::1", "no address", "",
)  # fmt: skip
PUBLIC = ("8.8.8.8", "1.1.1.1", "193.0.6.139", "2606:4700:4700::1111", "2a00:1450:4001::1")

REFUSED = {
    "scheme": ("http://hooks.example.com/", "ftp://hooks.example.com", "file:///etc/passwd",
               "//hooks.example.com", "hooks.example.com", "javascript:alert(1)", ""),
    "host": ("https://", "https:///path", "https:hooks.example.com", "https://[::1", "https://:443/"),
    "user": ("https://user@hooks.example.com/", "https://a:b@hooks.example.com/", "https://@1.1.1.1"),
    "fragment": ("https://hooks.example.com/#a",),
    "characters": ("https://hooks.example.com/a b", "https://bücher.example/", "https://a\n.example/",
                   "https://hooks.example.com\\@127.0.0.1/", "https://a/\x00"),
    "port": ("https://hooks.example.com:0/", "https://hooks.example.com:65536/",
             "https://hooks.example.com:http/"),
    "blocked": ("https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f.1/",
                "https://0177.0.0.1/", "https://[::1]/", "https://[::ffff:7f00:1]/",
                "https://169.254.169.254/latest/meta-data", "https://10.0.0.1:8443/",
                "https://[fd00:ec2::254]/", "https://[64:ff9b::7f00:1]/", "https://localhost/",
                "https://LOCALHOST./", "https://a.localhost/", "https://db.internal/",
                "https://printer.local/", "https://0/", "https://127.0.0.1./"),
}  # fmt: skip


@pytest.mark.parametrize("address", BLOCKED)
def test_an_address_that_is_not_public_is_blocked(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_connected(address: str) -> None:
    assert may_connect(address, insecure=False)


@pytest.mark.parametrize(("reason", "url"), [(why, url) for why in REFUSED for url in REFUSED[why]])
def test_a_url_is_refused_by_what_is_wrong_with_it(reason: str, url: str) -> None:
    assert refusal(url, insecure=False) == reason


def test_a_url_to_the_internet_is_taken() -> None:
    for url in (
        "https://hooks.example.com",
        "https://hooks.example.com:8443/a?b=c",
        "https://1.1.1.1/",
    ):
        assert refusal(url, insecure=False) is None


def test_development_opens_this_machine_and_nothing_else() -> None:
    assert refusal("http://127.0.0.1:8000/", insecure=True) is None
    assert refusal("http://localhost:8000/", insecure=True) is None
    for url in ("http://169.254.169.254/", "http://10.0.0.1/", "http://[fe80::1]/"):
        assert refusal(url, insecure=True) == "blocked"
