"""URLs of receipts, below the secret link of their order."""

from django.urls import path

from . import views

urlpatterns = [
    path("orders/<str:token>/receipt", views.receipt, name="receipt"),
    path("orders/<str:token>/receipts/<str:name>.pdf", views.receipt_file, name="receipt_file"),
    path("orders/<str:token>/receipts/<str:name>", views.credit_note, name="credit_note"),
]
