"""Checks of the connection to the node, for `manage.py doctor`: one sentence each.

Nothing is changed at the node and nothing is paid.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from ticketsuma.errors import DomainError
from ticketsuma.money import format_msats

from . import lightspark, listing

OK, NOTE, WRONG, UNKNOWN = "ok", "note", "wrong", "unknown"
_ACCOUNT = """
query DoctorAccount {
  current_account { id nodes(first: 50) { entities { id display_name bitcoin_network } } }
}"""
_TOKENS = """
query DoctorTokens {
  current_account { api_tokens(first: 100) { entities { client_id permissions is_deleted } } }
}"""


@dataclass(frozen=True)
class Finding:
    """`level`: ok; note, worth knowing; wrong, somebody must act; unknown, could not be found out."""

    check: str
    level: str
    says: str


class Stop(Exception):
    """Ends the checks of the node: the last finding makes the others pointless."""


def look_at_node() -> Iterator[Finding]:
    """Token, permissions, node, network, kind of node, key, balances, list; ends early without a node."""
    try:
        for check in CHECKS:
            yield from _answered(check)
    except Stop:
        return


def _answered(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """The check's findings; a node that gives no answer is a finding, too."""
    name = check.__name__.removeprefix("_")
    try:
        yield from check()
    except lightspark.NodeForbidden as error:
        yield Finding(name, WRONG, f"Lightspark does not let us in: {error.reason}")
    except lightspark.NodeRefused as error:
        yield Finding(name, WRONG, f"The node refused: {error.reason}")
    except DomainError as error:
        yield Finding(name, UNKNOWN, f"The node gives no answer ({error.noted}).")


def _token() -> Iterator[Finding]:
    try:
        account = lightspark.run(_ACCOUNT, {})["current_account"]
    except lightspark.NodeForbidden as error:
        yield Finding("token", WRONG, f"Lightspark does not accept the API token ({error.reason}).")
        raise Stop from error
    nodes = account["nodes"]["entities"]
    yield Finding("token", OK, f"Lightspark accepts the API token of {account['id']}.")
    try:
        own = lightspark.own_node_id()
    except lightspark.NodeRefused as error:
        there = ", ".join(f"{node['id']} ({node['bitcoin_network']})" for node in nodes) or "none"
        says = f"LIGHTSPARK_NODE_ID names no node of this account. Its nodes: {there}."
        yield Finding("node", WRONG, says)
        raise Stop from error
    spelled = "" if own == settings.LIGHTSPARK_NODE_ID else f", which it spells {own}"
    yield Finding("node", OK, f"The node of LIGHTSPARK_NODE_ID is there{spelled}.")


def _permissions() -> Iterator[Finding]:
    network = settings.LIGHTSPARK_NETWORK
    needed = {f"{network}_VIEW", f"{network}_TRANSACT"}
    try:
        tokens = lightspark.run(_TOKENS, {})["current_account"]["api_tokens"]["entities"]
    except (lightspark.NodeRefused, lightspark.NodeForbidden) as error:
        yield Finding("permissions", NOTE, f"The token may not read its own permissions ({error.reason}).")
        return
    ours = [one for one in tokens if one["client_id"] == settings.LIGHTSPARK_API_TOKEN_CLIENT_ID]
    given = set(ours[0]["permissions"]) if ours else set()
    if not ours:
        yield Finding("permissions", NOTE, "The account does not list our token.")
    elif missing := sorted(needed - given) if "ALL" not in given else []:
        yield Finding("permissions", WRONG, f"The API token lacks {', '.join(missing)}.")
    else:
        yield Finding("permissions", OK, f"The token may look and pay on {network}.")


def _network() -> Iterator[Finding]:
    node, wanted = lightspark.node(), settings.LIGHTSPARK_NETWORK
    says = f"The node is on {node.bitcoin_network.name}, LIGHTSPARK_NETWORK is {wanted}."
    yield Finding("network", OK if node.bitcoin_network.name == wanted else WRONG, says)
    if node.status and node.status.name != "READY":
        yield Finding("node status", NOTE, f"Lightspark says that the node is {node.status.name}.")


def _key() -> Iterator[Finding]:
    if lightspark.node().typename == "LightsparkNodeWithRemoteSigning":
        says = "This node signs elsewhere (remote signing): the shop can sell, but cannot send refunds."
        yield Finding("key", WRONG, says)
        return
    lightspark.check_signing_key()
    yield Finding("key", OK, "The node's signing key opens with LIGHTSPARK_NODE_PASSWORD.")


def _balances() -> Iterator[Finding]:
    node = lightspark.node()
    can_send = node.balances and node.balances.available_to_send_balance
    yield _amount("can send", can_send, "refunds wait until something was sold or sent to the node")
    yield _amount("can receive", node.remote_balance, "the first payments may open a channel")


def _amount(name: str, amount: Any, when_none: str) -> Finding:
    if amount is None:
        return Finding(name, NOTE, f"The node does not say how much it {name}.")
    msats = lightspark._msats(amount)
    says = f"The node {name} {format_msats(msats)}"
    return Finding(name, OK, f"{says}.") if msats > 0 else Finding(name, NOTE, f"{says}: {when_none}.")


def _list() -> Iterator[Finding]:
    started = time.monotonic()
    page = next(listing.incoming_pages(timezone.now() - timedelta(days=1), every_node=True))
    seconds = time.monotonic() - started
    slow = seconds > settings.NODE_LIST_SECONDS / 3
    yield Finding("list", NOTE if slow else OK, f"The list of payments is read in {seconds:.1f} s a page.")
    if page.unreadable:
        says = (
            f"{len(page.unreadable)} payments of the last day cannot be read, such as {page.unreadable[0]}."
        )
        yield Finding("list", WRONG, says)
    if elsewhere := sum(not payment.is_to_our_node for payment in page.payments):
        says = f"{elsewhere} of the last day's payments came to another node of the account: left alone."
        yield Finding("other nodes", NOTE, says)


CHECKS = [_token, _permissions, _network, _key, _balances, _list]
