"""Admin action on an order's e-mail."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.forms import PersonEmailField
from tickets.models import Order
from tickets.services.email_corrections import correct
from ticketsuma.admin.actions import ActionForm, StaffAction


class CorrectEmailForm(ActionForm):
    email = PersonEmailField(label=gettext_lazy("E-mail"))


def _correct(order: Order, asked: dict) -> str:
    replaced = correct(order, email=asked["email"])
    said = _("The mails of this order now go to %(address)s.") % {"address": order.email}
    return f"{said} {_('Its links and codes are new.')}" if replaced else said


CORRECT_EMAIL = StaffAction(
    "email", gettext_lazy("Correct the e-mail"),
    lambda order: [
        _("The mails of this order go to %(address)s.") % {"address": order.email or "–"},
        _("What went there is mailed again to the new address, and the links in it open nothing any more."),
    ],
    _correct, is_open=lambda order: not order.is_forgotten, seen=lambda order: order.email,
    form=CorrectEmailForm,
)  # fmt: skip
