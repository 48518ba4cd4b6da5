"""Which IP addresses are hosts' on the public Internet, and none of our own network's."""

from ipaddress import IPv4Address, IPv6Network, ip_address, ip_network

# is_global has gaps, more of them in older releases of Python: multicast is global to it, and so are relays,
# site-local addresses and what IANA registered later.
_NOT_PUBLIC_V4 = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "224.0.0.0/3")))
_NOT_PUBLIC_V6 = tuple(map(ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
# The only part of version 6 that is handed out; addresses that map or contain one of version 4 lie outside.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
# What a network that has only version 6 calls a host of version 4: its last 32 bits (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Say whether an IP address is a host's on the public Internet; what cannot be read is not.

    Source: IANA special-purpose address registries for IPv4 and IPv6; RFC 4291, RFC 6052.
    """
    # A zone (fe80::1%eth0) names one of our own network cards.
    if "%" in address:
        return False
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if found in _NAT64:
        found = IPv4Address(int(found) & 0xFFFFFFFF)
    if isinstance(found, IPv4Address):
        return found.is_global and not any(found in network for network in _NOT_PUBLIC_V4)
    return found in _GLOBAL_UNICAST and found.is_global and not any(found in network for network in _NOT_PUBLIC_V6)
