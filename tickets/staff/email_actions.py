"""Admin action on an order's e-mail."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.forms import PersonEmailField
from accounts.roles import Ability
from tickets.models import Order
from tickets.services.email_corrections import correct
from ticketsuma.admin.actions import ActionForm, StaffAction


class CorrectEmailForm(ActionForm):
    email = PersonEmailField(label=gettext_lazy("E-mail"))


class CorrectEmail(StaffAction):
    needs = (Ability.MESSAGES,)
    name = "email"
    label = gettext_lazy("Correct the e-mail")
    form = CorrectEmailForm

    def is_possible(self, order: Order) -> bool:
        return not order.is_forgotten

    def preview(self, order: Order) -> list[str]:
        return [
            _("The mails of this order go to %(address)s.") % {"address": order.email or "–"},
            _(
                "What went there is mailed again to the new address, "
                "and the links in it open nothing any more."
            ),
        ]

    def seen(self, order: Order) -> str:
        return order.email

    def run(self, order: Order, data: dict) -> str:
        replaced = correct(order, email=data["email"])
        said = _("The mails of this order now go to %(address)s.") % {"address": order.email}
        anew = _("Its links and codes are new.")
        return f"{said} {anew}" if replaced else said
