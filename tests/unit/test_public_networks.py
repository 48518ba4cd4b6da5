"""Which IP addresses may be connected to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.public_networks import is_public

NOT_PUBLIC = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/96",
    "::ffff:0:0/96",
    "::ffff:0:0:0/96",
    "64:ff9b::a00:0/104",
    "64:ff9b::7f00:0/104",
    "64:ff9b::a9fe:0/112",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/32",
    "2001:10::/28",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "4000::/3",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
]


@pytest.mark.parametrize("network", NOT_PUBLIC)
def test_no_address_of_a_special_network_is_public(network: str) -> None:
    @given(st.ip_addresses(network=network))
    def check(address: object) -> None:
        assert not is_public(str(address))

    check()


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "172.15.0.1",
        "172.32.0.1",
        "223.255.255.1",
        "2606:4700:4700::1111",
        "2a00:1450:4001::1",
        "64:ff9b::808:808",  # what a network of version 6 only calls 8.8.8.8
    ],
)
def test_hosts_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", ["", "localhost", "8.8.8", "8.8.8.8 ", "08.8.8.8", "2606:4700::1%eth0", "1e3"])
def test_what_is_no_plain_address_is_not_public(address: str) -> None:
    assert not is_public(address)
