"""Description of the API in its OpenAPI document; no part of it can be set from outside."""

from typing import Any

from ticketsuma import __version__

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Tickets by UMA",
    "VERSION": __version__,
    "DESCRIPTION": "Seats at online events, paid in seconds over Lightning. Amounts are whole satoshis, "
    "times RFC 3339. Refusals are problem+json (RFC 9457): programs read `code`.",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "PREPROCESSING_HOOKS": [],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "ticketsuma.api.schema.finish",
    ],
    "ENUM_NAME_OVERRIDES": {
        "OrderStatus": "tickets.models.Order.Status",
        "PaymentState": "payments.models.Payment.Status",
        "TicketPaymentStatus": "tickets.models.Ticket.PaymentStatus",
        "Push": "payments.models.Payment.Push",
        "RefundStatus": "payments.models.Refund.Status",
        "RefundReason": "payments.models.Refund.Reason",
    },
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "TAGS": [{"name": name} for name in ("events", "buying", "accounts", "door", "staff")],
}
