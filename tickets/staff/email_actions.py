"""Admin actions on an order's e-mail: its tickets mailed again, and the address corrected."""

from datetime import datetime
from typing import cast

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.forms import PersonEmailField
from accounts.roles import Ability
from tickets.mail.messages import mail_tickets_again
from tickets.mail_health.states import state_of
from tickets.mail_health.suppression import stopped
from tickets.models import Mail, Order
from tickets.services.email_corrections import correct
from ticketsuma.admin.actions import ActionForm, StaffAction
from ticketsuma.bidi import isolate
from ticketsuma.errors import DomainError


class WaitsAlready(DomainError):
    code = "mail_waits"
    message = gettext_lazy("The mail waits to be sent already, and goes out by itself.")


class MailTicketsAgain(StaffAction):
    needs = (Ability.MESSAGES,)
    asks_again = False
    name = "mail"
    label = gettext_lazy("Mail the tickets again")

    def is_possible(self, order: Order) -> bool:
        return order.is_paid and bool(order.email)

    def preview(self, order: Order) -> list[str]:
        says = _("One mail goes to %(address)s, with the way to all tickets of this order for %(event)s.")
        return [
            says % {"address": order.email, "event": isolate(order.event.title)},
            self._so_far(order),
            _("Links and codes stay as they are: what was mailed before works as well."),
            _('Is the address wrong? Go back and press "Correct the e-mail": that mails the tickets, too.'),
        ]

    def _so_far(self, order: Order) -> str:
        """What became of the last one."""
        if stop := stopped(order.email):
            says = _("Nothing is mailed there: %(why)s. Lift that first, by its own button.")
            return says % {"why": stop.get_why_display()}
        mail = _tickets_mail(order)
        if mail is None:
            return _("They were never mailed.")
        match state_of(mail):
            case "sent":
                at = cast(datetime, mail.sent_at).astimezone(order.event.zone)
                return _("They were mailed there on %(when)s.") % {"when": f"{at:%Y-%m-%d %H:%M %Z}"}
            case "waiting":
                return str(WaitsAlready.message)
            case "bounced":
                return _("The last mail came back: %(said)s") % {"said": mail.last_error.partition(": ")[2]}
        return _("The last mail could not be sent.")

    def seen(self, order: Order) -> list:
        return list(order.mails.values_list("kind", "status", "sent_at"))

    def run(self, order: Order, data: dict) -> str:
        mail = _tickets_mail(order)
        if mail and state_of(mail) == "waiting":
            raise WaitsAlready
        mail_tickets_again(order)
        return _("The tickets are mailed to %(address)s again, within a minute.") % {"address": order.email}


def _tickets_mail(order: Order) -> Mail | None:
    return order.mails.filter(kind=Mail.Kind.TICKETS, to=order.email).first()


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
