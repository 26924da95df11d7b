from django.urls import path

from node import api, api_faults, api_money, pages, views
from node.api import json_api

urlpatterns = [
    path("graphql/server/2023-09-13", views.graphql),
    path("health", api.health),
    path("ledger", pages.ledger_page, name="ledger"),
    path("faults", pages.faults_page, name="faults"),
    path("faults/on", pages.switch_on, name="fault-on"),
    path("faults/off", pages.switch_off, name="fault-off"),
    path("api/nodes", json_api(GET=api_money.list_nodes, POST=api_money.post_node)),
    path("api/nodes/<str:node_id>", json_api(GET=api_money.get_node, PATCH=api_money.patch_node)),
    path("api/nodes/<str:node_id>/fund", json_api(POST=api_money.fund_node)),
    path("api/ledger", json_api(GET=api_money.list_ledger)),
    path("api/invoices", json_api(GET=api_money.list_invoices)),
    path("api/payments", json_api(POST=api_money.post_test_payment)),
    path("api/payments/<str:payment_id>/resolve", json_api(POST=api_money.resolve_payment)),
    path(
        "api/faults",
        json_api(GET=api_faults.list_faults, POST=api_faults.post_fault, DELETE=api_faults.delete_faults),
    ),
    path("api/faults/<int:fault_id>", json_api(DELETE=api_faults.delete_fault)),
    path("api/webhooks", json_api(GET=api_faults.list_webhooks)),
    path("api/webhooks/resend", json_api(POST=api_faults.resend_webhooks)),
    path("api/webhooks/send", json_api(POST=api_faults.send_webhook)),
]
