"""IP addresses of the public Internet, told from those that lead inside."""

import ipaddress

# Python 3.11 calls these global, though what is behind them may not be (RFC 6890, 7526, 6052).
_NOT_PUBLIC_V4 = [ipaddress.ip_network(text) for text in ("192.0.0.0/24", "192.88.99.0/24")]
_PUBLIC_V6 = ipaddress.ip_network("2000::/3")
_NOT_PUBLIC_V6 = [ipaddress.ip_network(text) for text in ("2001::/23", "2002::/16", "2001:db8::/32")]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public Internet's, with nothing private tunneled inside it."""
    ip = ipaddress.ip_address(address)
    if not ip.is_global or ip.is_multicast or ip.is_reserved:
        return False
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _NOT_PUBLIC_V4)
    return ip in _PUBLIC_V6 and not any(ip in network for network in _NOT_PUBLIC_V6)
