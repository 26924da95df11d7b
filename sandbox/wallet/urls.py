from django.urls import path

from node.api import json_api
from wallet import api, pages, vasp_views

protocol = [
    path(".well-known/lnurlpubkey", vasp_views.pubkeys),
    path(".well-known/uma-configuration", vasp_views.configuration),
    path(".well-known/lnurlp/<str:name>", vasp_views.lnurlp),
    path("uma/request", vasp_views.push),
    path("uma/payreq/<str:name>", vasp_views.payreq),
    path("uma/utxo", vasp_views.utxo),
]

programs = [
    path("api/wallets", json_api(GET=api.list_wallets, POST=api.post_wallet)),
    path("api/callbacks", json_api(GET=api.list_callbacks)),
    path("api/wallets/<str:name>", json_api(GET=api.get_wallet)),
    path("api/wallets/<str:name>/funds", json_api(POST=api.post_funds)),
    path("api/wallets/<str:name>/pay", json_api(POST=api.post_pay)),
    path("api/nwc", json_api(GET=api.get_nwc, POST=api.post_nwc)),
    path(
        "api/wallets/<str:name>/connections",
        json_api(POST=api.post_connection, DELETE=api.delete_connections),
    ),
    path("api/wallets/<str:name>/invoices", json_api(POST=api.post_invoice)),
    path("api/wallets/<str:name>/requests/<uuid:request_id>/approve", json_api(POST=api.post_approve)),
    path("api/wallets/<str:name>/requests/<uuid:request_id>/decline", json_api(POST=api.post_decline)),
]

people = [
    path("", pages.choose, name="choose"),
    path("wallets", pages.create, name="create-wallet"),
    path("wallet/<str:name>", pages.wallet, name="wallet"),
    path("wallet/<str:name>/live", pages.live, name="wallet-live"),
    path("wallet/<str:name>/pay", pages.pay, name="wallet-pay"),
    path("wallet/<str:name>/sats", pages.add_sats, name="wallet-sats"),
    path("wallet/<str:name>/connect", pages.connect_program, name="wallet-connect"),
    path("wallet/<str:name>/disconnect", pages.disconnect_programs, name="wallet-disconnect"),
    path("wallet/<str:name>/requests/<uuid:request_id>/approve", pages.approve, name="approve"),
    path("wallet/<str:name>/requests/<uuid:request_id>/decline", pages.decline, name="decline"),
]

urlpatterns = protocol + programs + people
