from django.urls import path

from .views import account, wallet

urlpatterns = [
    path("me", account.my_tickets, name="my_tickets"),
    path("me/account", account.account, name="account_page"),
    path("me/wallet", wallet.my_wallet, name="my_wallet"),
    path("me/data", account.my_data, name="my_data"),
    path("me/delete", account.delete_account, name="delete_account"),
]
