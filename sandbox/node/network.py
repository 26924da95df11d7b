"""Routes from one node to another: their fee, and when there is none. Amounts are msats."""

from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from node import faults
from node.models import Deposit, Node, Payment

BASE_PPM = 1_000_000


def earn(payment: Payment) -> None:
    """The fees of a payment go to everybody else on its network."""
    if fees := payment.fee_msats + payment.opening_fee_msats:
        world = Node.objects.filter(is_world=True, network=payment.payer.network)
        world.update(balance_msats=F("balance_msats") + fees)


def top_up(payment: Payment) -> None:
    """The operator's float grows with what arrives: a deposit of `float_percent` of it."""
    if added := payment.received_msats * payment.payee.float_percent // 100:
        world = Node.objects.filter(is_world=True, network=payment.payee.network)
        world.update(balance_msats=F("balance_msats") - added)
        Node.objects.filter(pk=payment.payee_id).update(balance_msats=F("balance_msats") + added)
        Deposit.objects.create(node=payment.payee, amount_msats=added)


def fee_msats(payment: Payment, *, limit_msats: int | None) -> int | None:
    """What the route costs the payer: as the node says, up to the limit; 0 for who set none.

    With `route_costs` the cheapest route costs that much, and a lower limit finds no route: None.
    """
    if limit_msats is None:
        return 0
    if dear := faults.strike("route_costs", payment.payment_hash, payment.payer_id):
        cost = int(dear.params["fee_msats"])
        return cost if cost <= limit_msats else None
    node = payment.payer
    return min(limit_msats, node.fee_base_msats + payment.amount_msats * node.fee_ppm // BASE_PPM)


def opening_fee_msats(payment: Payment) -> int:
    """What a channel that is opened for this payment takes of what arrives; never all of it."""
    opened = faults.strike("channel_opening_fees", payment.payment_hash) if payment.payee else None
    return min(int(opened.params["fee_msats"]), payment.amount_msats - 1) if opened else 0


def why_no_route(payment: Payment) -> str:
    """NO_ROUTE while `no_route` is on, which ends `delay_s` after it was switched on; else nothing."""
    names = (payment.payment_hash, payment.payee.name) if payment.payee else (payment.payment_hash,)
    gone = faults.strike("no_route", *names)
    if gone and timezone.now() < gone.created_at + timedelta(seconds=gone.delay_s):
        return "NO_ROUTE"
    return ""
