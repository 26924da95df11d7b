from django.apps import AppConfig


class TicketsumaConfig(AppConfig):
    name = "ticketsuma"
