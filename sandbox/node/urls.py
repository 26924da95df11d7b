from django.urls import path

from node import api, pages, views
from node.api import json_api

urlpatterns = [
    path("graphql/server/2023-09-13", views.graphql),
    path("health", api.health),
    path("ledger", pages.ledger_page, name="ledger"),
    path("faults", pages.faults_page, name="faults"),
    path("faults/on", pages.switch_on, name="fault-on"),
    path("faults/off", pages.switch_off, name="fault-off"),
    path("api/nodes", json_api(GET=api.list_nodes, POST=api.post_node)),
    path("api/nodes/<str:node_id>", json_api(GET=api.get_node, PATCH=api.patch_node)),
    path("api/nodes/<str:node_id>/fund", json_api(POST=api.fund_node)),
    path("api/ledger", json_api(GET=api.list_ledger)),
    path("api/invoices", json_api(GET=api.list_invoices)),
    path("api/payments", json_api(POST=api.post_test_payment)),
    path("api/payments/<str:payment_id>/resolve", json_api(POST=api.resolve_payment)),
    path("api/faults", json_api(GET=api.list_faults, POST=api.post_fault, DELETE=api.delete_faults)),
    path("api/faults/<int:fault_id>", json_api(DELETE=api.delete_fault)),
    path("api/webhooks", json_api(GET=api.list_webhooks)),
    path("api/webhooks/resend", json_api(POST=api.resend_webhooks)),
    path("api/webhooks/send", json_api(POST=api.send_webhook)),
]
