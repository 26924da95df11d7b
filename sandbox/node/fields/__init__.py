"""The root fields of the GraphQL API. Importing a module registers its fields."""

from node.fields import account, invoices, payments, reading
from node.fields.call import Call, resolve

__all__ = ["Call", "account", "invoices", "payments", "reading", "resolve"]
