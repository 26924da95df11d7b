from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TicketsConfig(AppConfig):
    name = "tickets"
    verbose_name = _("Orders and tickets")

    def ready(self):
        from allauth.account.signals import email_confirmed
        from django.contrib.auth.signals import user_logged_in, user_logged_out
        from django.db.models.signals import post_save

        from events.models import Event
        from payments.models import IncomingPayment, Invoice, Payment, Refund
        from payments.signals import payment_settled

        from . import receivers

        payment_settled.connect(receivers.on_payment_settled, dispatch_uid="tickets.on_payment_settled")
        email_confirmed.connect(receivers.on_email_confirmed, dispatch_uid="tickets.on_email_confirmed")
        user_logged_in.connect(receivers.on_signed_in, dispatch_uid="tickets.on_signed_in")
        user_logged_out.connect(receivers.on_signed_out, dispatch_uid="tickets.on_signed_out")
        post_save.connect(receivers.on_event_saved, sender=Event, dispatch_uid="tickets.on_event_saved")

        # Whose money it is hangs on the order, of which payments know nothing.
        Payment.organizer_path = "order__event__organizer"
        Invoice.organizer_path = IncomingPayment.organizer_path = "payment__order__event__organizer"
        Refund.organizer_path = "incoming_payment__payment__order__event__organizer"
