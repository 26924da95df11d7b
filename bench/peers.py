"""Peers beside the shop: LNbits and pretix that run somewhere, by their addresses and keys.

LNbits is asked for an invoice (`POST /api/v1/payments`), which each of its ticket requests contains: less
than a seat. pretix is asked for an order without an invoice, of an event with one free item; and as many
buyers as ours go through its pages, until an order of theirs waits for a bank transfer.
"""

import argparse
import json
import statistics
from collections.abc import Callable
from functools import partial

from bench import pretix
from bench.clients import Rate, together, wrk


def add_options(options: argparse.ArgumentParser) -> None:
    options.add_argument("--peers", action="store_true", help="also run beside the shop what is given below")
    options.add_argument("--lnbits", metavar="URL", help="address of an LNbits")
    options.add_argument("--lnbits-key", metavar="KEY", help="invoice key of a wallet of it")
    options.add_argument("--pretix", metavar="URL", help=".../api/v1/organizers/ORGANIZER/events/EVENT")
    options.add_argument("--pretix-token", metavar="TOKEN")
    options.add_argument("--pretix-item", metavar="ID", type=int)
    options.add_argument("--pretix-shop", metavar="URL", help="its event's page, with the slash at its end")
    options.add_argument("--peer-seconds", type=float, default=6)


def run(given: argparse.Namespace, clients: int, seat: Callable[[], Rate], checkout: Rate) -> None:
    """A line for each peer, with how often faster the shop's seat with a BOLT11 or checkout by pages was.

    Seats are sold once more before and after an API is asked: a machine that is shared changes by the minute.
    """
    if not given.peers:
        return
    apis: list[tuple[str, str, dict, str]] = []
    if given.lnbits:
        body: dict = {"out": False, "amount": 2500, "memo": "A seat"}
        url, header = f"{given.lnbits}/api/v1/payments", f"X-Api-Key: {given.lnbits_key}"
        apis.append(("LNbits, an invoice", url, body, header))
    if given.pretix:
        item = {"item": given.pretix_item, "variation": None, "price": "0.00"}
        body = {"email": "b@example.com", "locale": "en", "status": "p"}
        body["positions"] = [item | {"attendee_name_parts": {}, "answers": []}]
        url, header = f"{given.pretix}/orders/", f"Authorization: Token {given.pretix_token}"
        apis.append(("pretix, an order", url, body, header))
    for name, url, body, header in apis:
        before, theirs, after = seat(), _ask(given, clients, url, body, header), seat()
        sold = statistics.mean([before.per_second, after.per_second])
        _row(name, theirs, f"a seat with BOLT11, {sold:.1f}", sold)
    if given.pretix_shop:
        flow = partial(pretix.check_out, given.pretix_shop)
        together(clients, 1, flow)  # its first pages warm it up, too
        theirs = together(clients, given.peer_seconds, flow)
        _row("pretix, checkout by pages", theirs, "checkout by pages", checkout.per_second)


def _ask(given: argparse.Namespace, clients: int, url: str, body: dict, header: str) -> Rate:
    asked: dict = {"clients": clients, "body": json.dumps(body), "headers": [header]}
    wrk(url, 1, **asked)  # its first answers warm it up
    return wrk(url, given.peer_seconds, **asked)


def _row(name: str, rate: Rate, what: str, ours: float) -> None:
    print(
        f"{name:26}{rate.per_second:8.1f}{rate.median_ms:8.1f}{rate.p95_ms:8.1f}   {what} ÷ it: "
        f"{ours / rate.per_second:.2f}" + (f"  {rate.wrong} WRONG" if rate.wrong else "")
    )
