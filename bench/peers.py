"""Peers beside the shop: LNbits and pretix that run somewhere, by their addresses and keys.

LNbits is asked for an invoice (`POST /api/v1/payments`), which each of its ticket requests contains: less
than a seat. pretix is asked for an order without an invoice, of an event with one free item.
"""

import argparse
import json

from bench.clients import Rate, wrk


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
        body: dict = {"out": False, "amount": 2500, "memo": "A seat"}
        url, header = f"{given.lnbits}/api/v1/payments", f"X-Api-Key: {given.lnbits_key}"
        _compare("LNbits, an invoice", given, clients, ours, url, body, header)
    if given.pretix:
        item = {"item": given.pretix_item, "variation": None, "price": "0.00"}
        body = {"email": "b@example.com", "locale": "en", "status": "p"}
        body["positions"] = [item | {"attendee_name_parts": {}, "answers": []}]
        url, header = f"{given.pretix}/orders/", f"Authorization: Token {given.pretix_token}"
        _compare("pretix, an order", given, clients, ours, url, body, header)


def _compare(
    name: str, given: argparse.Namespace, clients: int, ours: Rate, url: str, body: dict, header: str
) -> None:
    asked: dict = {"clients": clients, "body": json.dumps(body), "headers": [header]}
    wrk(url, 1, **asked)  # its first answers warm it up
    rate = wrk(url, given.peer_seconds, **asked)
    print(
        f"{name:26}{rate.per_second:8.1f}{rate.median_ms:8.1f}{rate.p95_ms:8.1f}   a seat with BOLT11 ÷ it: "
        f"{ours.per_second / rate.per_second:.2f}" + (f"  {rate.wrong} WRONG" if rate.wrong else "")
    )
