"""Words of the history: acts and their details as people read them."""

from decimal import Decimal
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from ticketsuma.money import format_amount, format_sats, is_currency, minor_digits
from ticketsuma.zoned_fields import zone_or_utc

ACTS: dict[str, str | Promise] = {
    "add": pgettext_lazy("history", "added"),
    "change": pgettext_lazy("history", "changed"),
    "delete": pgettext_lazy("history", "deleted"),
    "cancel": pgettext_lazy("history", "canceled"),
    "refund": pgettext_lazy("history", "refunded whole"),
    "refund_part": pgettext_lazy("history", "refunded in part"),
    "refund_address": pgettext_lazy("history", "told where a refund goes"),
    "refund_again": pgettext_lazy("history", "had a refund tried again"),
    "attach": pgettext_lazy("history", "attached money to an order"),
    "send_back": pgettext_lazy("history", "sent unmatched money back"),
    "void": pgettext_lazy("history", "voided the ticket"),
    "mail_holder": pgettext_lazy("history", "had the ticket mailed to its holder"),
    "give_back": pgettext_lazy("history", "gave tickets back"),
    "make_out": pgettext_lazy("history", "had the receipt made out to somebody"),
    "take_list": pgettext_lazy("history", "took the door's list along"),
    "door_conflict": pgettext_lazy("history", "brought back from a door without a net"),
    "undo_check_in": pgettext_lazy("history", "undid the check-in"),
    "replace": pgettext_lazy("history", "replaced the link"),
    "email": pgettext_lazy("history", "corrected the e-mail address"),
    "wallet": pgettext_lazy("history", "changed the wallet asked"),
    "delete_account": pgettext_lazy("history", "deleted the account"),
    "forget": pgettext_lazy("history", "forgot the buyer"),
    "export": pgettext_lazy("history", "took the data along"),
    "factor_add": pgettext_lazy("history", "added a second factor"),
    "factor_remove": pgettext_lazy("history", "removed a second factor"),
    "factor_reset": pgettext_lazy("history", "had the second factor taken away"),
    "end_sessions": pgettext_lazy("history", "signed out other devices"),
    "ask_second": pgettext_lazy("history", "asked a second person"),
    "approve": pgettext_lazy("history", "approved as the second person"),
    "decline": pgettext_lazy("history", "declined as the second person"),
    "shut_out": pgettext_lazy("history", "shut out"),
    "let_in": pgettext_lazy("history", "let in again"),
    "save_staff": pgettext_lazy("history", "made or updated by command"),
    "give": pgettext_lazy("history", "gave it away"),
    "sell": pgettext_lazy("history", "sold it as staff"),
    "gift": pgettext_lazy("history", "gave the seats for nothing"),
    "codes": pgettext_lazy("history", "made promo codes"),
    "press": pgettext_lazy("history", "pressed"),
    "invite": pgettext_lazy("history", "invited somebody"),
    "join": pgettext_lazy("history", "took the role"),
    "leave": pgettext_lazy("history", "left the team"),
    "close": pgettext_lazy("history", "closed"),
    "export_table": pgettext_lazy("history", "took a table along"),
    "publish": pgettext_lazy("history", "published"),
    "withdraw": pgettext_lazy("history", "made it a draft again"),
    "send": pgettext_lazy("history", "sent the message"),
    "stop_mails": pgettext_lazy("history", "had nothing more mailed to the address"),
    "lift_mails": pgettext_lazy("history", "had mails go to the address again"),
    "note": pgettext_lazy("history", "wrote a note"),
}
WAYS: dict[str, str | Promise] = {"page": pgettext_lazy("history", "page"), "api": "API"}
# Details that are no columns of their row.
FACTS: dict[str, str | Promise] = {
    "tickets": gettext_lazy("tickets"),
    "payment": gettext_lazy("payment"),
    "count": gettext_lazy("how many"),
    "at": pgettext_lazy("history", "at"),
    "first": pgettext_lazy("history", "first"),
}


def told(act: str, row: str, details: dict[str, Any], zone_name: str = "UTC") -> str:
    """An act and its details; `row` is the label of a model ("events.event")."""
    model = _model(row)
    facts = [_detail(model, name, value, zone_name) for name, value in details.items()]
    return ": ".join(filter(None, (str(ACTS.get(act, act)), "; ".join(facts))))


def _detail(model: type[models.Model] | None, name: str, value: Any, zone_name: str) -> str:
    if name == "sats":
        return format_sats(value)
    if name == "said":
        return str(value)
    field = _field(model, name)
    values = value if isinstance(value, list) else [value]
    shown = " → ".join(_plain(field, name, each, zone_name) for each in values)
    return f"{_label(field, name)} {shown}"


def _label(field: models.Field | None, name: str) -> str:
    """A column's words, or a part's (`events.tickettype`); of what is no more, its name."""
    if field is not None:
        return str(field.verbose_name)
    part = _model(name)
    return str(part._meta.verbose_name if part else FACTS.get(name, name))


def _plain(field: models.Field | None, name: str, value: Any, zone_name: str) -> str:
    if value in (None, ""):
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name.endswith("_sats") and isinstance(value, int):
        return format_sats(value)
    if isinstance(field, models.IntegerField) and isinstance(value, str):
        return _amount(value)
    if isinstance(field, models.DateTimeField) and (moment := _moment(value)):
        return f"{moment.astimezone(zone_or_utc(zone_name)):%Y-%m-%d %H:%M}"
    return str(dict(field.flatchoices).get(value, value) if field is not None else value)


def _amount(value: str) -> str:
    """`12.50 EUR` → `€12.50`, `500 SAT` → `500 sats`; anything else as it is."""
    number, _space, currency = value.partition(" ")
    if not is_currency(currency):
        return value
    try:
        return format_amount(int(Decimal(number).scaleb(minor_digits(currency))), currency)
    except (ArithmeticError, ValueError):
        return value


def _moment(value: Any) -> Any:
    try:
        return parse_datetime(str(value))
    except ValueError:
        return None


def _field(model: type[models.Model] | None, name: str) -> models.Field | None:
    try:
        found = model and model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return found if isinstance(found, models.Field) else None


def _model(label: str) -> type[models.Model] | None:
    try:
        return apps.get_model(label)
    except (LookupError, ValueError):
        return None
