from django.apps import AppConfig


class TicketsConfig(AppConfig):
    name = "tickets"

    def ready(self):
        from payments.signals import payment_settled

        from . import services

        payment_settled.connect(services.on_payment_settled, dispatch_uid="tickets.on_payment_settled")
