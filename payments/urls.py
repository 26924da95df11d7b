"""Addresses for wallets, at the root of the shop's host."""

from django.urls import path, re_path

from . import views

urlpatterns = [
    path(".well-known/lnurlpubkey", views.pubkeys),
    path(".well-known/uma-configuration", views.configuration),
    path(".well-known/lnurlp/<str:name>", views.lookup),
    path("api/uma/payreq/<str:reference>", views.pay_request),
    path("api/uma/utxos/<str:reference>", views.utxos),
    re_path(r"^api/uma/verify/(?P<payment_hash>[0-9a-fA-F]{64})$", views.verify),
]
