"""Peers beside the shop: LNbits and pretix that run somewhere, by their addresses and keys.

LNbits is asked for an invoice (`POST /api/v1/payments`), which each of its ticket requests contains: less
than a seat. pretix is asked for an order without an invoice, of an event with one free item.
"""

import argparse
import uuid

import requests

from bench.clients import Rate, together


def add_options(options: argparse.ArgumentParser) -> None:
    options.add_argument("--peers", action="store_true", help="also run beside the shop what is given below")
    options.add_argument("--lnbits", metavar="URL", help="address of an LNbits")
    options.add_argument("--lnbits-key", metavar="KEY", help="invoice key of a wallet of it")
    options.add_argument("--pretix", metavar="URL", help=".../api/v1/organizers/ORGANIZER/events/EVENT")
    options.add_argument("--pretix-token", metavar="TOKEN")
    options.add_argument("--pretix-item", metavar="ID", type=int)
    options.add_argument("--peer-seconds", type=float, default=6)


def run(given: argparse.Namespace, clients: int, ours: Rate) -> None:
    """A line for each peer, with how often faster the shop's seat with a BOLT11 was."""
    if not given.peers:
        return
    if given.lnbits:
        _compare("LNbits, an invoice", given, clients, ours, lambda: lnbits(given.lnbits, given.lnbits_key))
    if given.pretix:
        order = lambda: pretix(given.pretix, given.pretix_token, given.pretix_item)  # noqa: E731
        _compare("pretix, an order", given, clients, ours, order)


def _compare(name: str, given: argparse.Namespace, clients: int, ours: Rate, ask) -> None:
    ask()  # its first answer warms it up
    rate = together(clients, given.peer_seconds, ask)
    print(
        f"{name:26}{rate.per_second:8.1f}{rate.median_ms:8.1f}{rate.p95_ms:8.1f}   a seat with BOLT11 ÷ it: "
        f"{ours.per_second / rate.per_second:.2f}" + (f"  {rate.wrong} WRONG" if rate.wrong else "")
    )


_session = requests.Session()
_session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=64))


def lnbits(url: str, key: str) -> None:
    body = {"out": False, "amount": 2500, "memo": "A seat"}
    _session.post(
        f"{url}/api/v1/payments", json=body, headers={"X-Api-Key": key}, timeout=30
    ).raise_for_status()


def pretix(url: str, token: str, item: int) -> None:
    position = {"item": item, "variation": None, "price": "0.00", "attendee_name_parts": {}, "answers": []}
    body = {
        "email": f"{uuid.uuid4().hex}@example.com",
        "locale": "en",
        "status": "p",
        "positions": [position],
    }
    headers = {"Authorization": f"Token {token}"}
    _session.post(f"{url}/orders/", json=body, headers=headers, timeout=30).raise_for_status()
