"""Export of personal data, as plain values."""

from typing import Any

from django.db.models import F, Q, QuerySet

from accounts.history import HistoryEntry
from accounts.models import User
from payments.models import Payment
from payments.nwc.models import ConnectedWallet
from tickets.guest_messages.unsubscribing import without_news
from tickets.mail_health.suppression import reasons_for
from tickets.models import Order, Ticket
from tickets.receipts.models import Receipt
from ticketsuma.money import MSATS_PER_SAT

from .personal_data import orders_for_user

NEEDED = [
    "tickets__order__event", "tickets__check_in", "tickets__viewer", "tickets__time_in_room", "mails",
    "payment__invoices", "payment__incoming_payments__refunds", "answers__question",
    "receipts__series", "receipts__addressees",
    "notes",
]  # fmt: skip


def export_person(user: User) -> dict[str, Any]:
    """Everything the shop keeps about `user`, as plain values; codes of tickets that admit included."""
    orders = orders_for_user(user).select_related("event", "payment").prefetch_related(*NEEDED)
    acts = HistoryEntry.objects.filter(actor=user).order_by("at")
    return {
        "email": user.email,
        "name": user.name,
        "created_at": user.created_at,
        "last_login": user.last_login,
        "orders": [_order(order) for order in orders.order_by("created_at")],
        "connected_wallets": list(_wallets(user).values("name", "relay", "created_at")),  # never their links
        "second_factors": list(user.authenticator_set.values("type", "created_at", "last_used_at")),
        "teams": list(user.memberships.values("role", name=F("organizer__name"))),
        "scheduled_exports": list(user.scheduled_exports.values("table", "every", name=F("organizer__name"))),
        "devices": list(user.devices.values("endpoint", "wants", "created_at")),
        "sign_ins": list(user.sign_ins.values("at", "device", "network")),
        "no_news_of": without_news(user.email) if user.has_verified_email else [],
        "mails_stopped": reasons_for(user.email) if user.has_verified_email else [],
        "acts": list(acts.values("at", "via", "act", "row")),
    }


def _wallets(user: User) -> QuerySet[ConnectedWallet]:
    mine = Q(user=user) | Q(payment__order__in=orders_for_user(user))
    return ConnectedWallet.objects.filter(mine).order_by("created_at")


def _order(order: Order) -> dict[str, Any]:
    return {
        "id": order.pk,
        "code": order.code,
        "event": order.event.title,
        "event_id": order.event_id,
        "status": order.status,
        "email": order.email,
        "name": order.name,
        "language": order.language,
        "uma_address": order.uma_address,
        "quantity": order.quantity,
        "amount_sats": order.amount_sats,
        "currency": order.currency,
        "amount": order.amount,
        "quote": _quote(order.agreed_quote) if order.agreed_quote else None,
        "payer_uma": order.payment.payer_uma if order.payment else "",
        "comments": _comments(order.payment) if order.payment else [],
        "created_at": order.created_at,
        "paid_at": order.paid_at,
        "ended_at": order.ended_at,
        "tickets": [_ticket(ticket) for ticket in order.tickets.all()],
        "answers": [
            {"question": each.question.label, "ticket": each.ticket_number, "values": each.values}
            for each in order.answers.all()
        ],
        # Who of staff wrote them is about somebody else.
        "notes": [{"at": note.at, "text": note.text} for note in order.notes.all()],
        "refunds": _refunds(order.payment) if order.payment else [],
        "receipts": [_receipt(receipt) for receipt in order.receipts.all()],
        "mails": [
            {"kind": mail.kind, "to": mail.to, "status": mail.status, "sent_at": mail.sent_at}
            for mail in order.mails.all()
        ],
    }


def _receipt(receipt: Receipt) -> dict[str, Any]:
    return {
        "number": receipt.name,
        "issued_at": receipt.issued_at,
        "made_out_to": [
            {"name": one.name, "address": one.address, "tax_number": one.tax_number, "at": one.at}
            for one in receipt.addressees.all()
        ],
    }


def _quote(payment: Payment) -> dict[str, Any]:
    return {"rate": str(payment.rate), "sources": payment.rate_sources, "at": payment.rate_at}


def _ticket(ticket: Ticket) -> dict[str, Any]:
    return {
        "id": ticket.pk,
        "holder_name": ticket.holder_name,
        "holder_email": ticket.holder_email,
        "ticket_code": ticket.ticket_code if ticket.admits else None,
        "voided_at": ticket.voided_at,
        "checked_in_at": ticket.check_in.at if ticket.is_used else None,
        "watched_since": ticket.viewer.since if hasattr(ticket, "viewer") else None,
        "watched_minutes": ticket.time_in_room.minutes if hasattr(ticket, "time_in_room") else 0,
    }


def _refunds(payment: Payment) -> list[dict[str, Any]]:
    return [
        {
            "id": refund.pk,
            "amount_sats": refund.amount_msats // MSATS_PER_SAT,
            "status": refund.status,
            "reason": refund.reason,
            "to": refund.destination,
            "created_at": refund.created_at,
            "sent_at": refund.sent_at,
        }
        for incoming in payment.incoming_payments.all()
        for refund in incoming.refunds.all()
    ]


def _comments(payment: Payment) -> list[str]:
    """What payers wrote. What their wallets told for the travel rule is about the payer, maybe a stranger."""
    return [invoice.comment for invoice in payment.invoices.all() if invoice.comment]
