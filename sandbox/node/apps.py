from django.apps import AppConfig


class NodeConfig(AppConfig):
    """The pretend Lightspark: accounts, nodes, invoices, payments, webhooks, faults."""

    name = "node"
