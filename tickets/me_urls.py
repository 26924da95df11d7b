from django.urls import path

from . import me_views

urlpatterns = [
    path("me", me_views.my_tickets, name="my_tickets"),
    path("me/account", me_views.account, name="account_page"),
    path("me/data", me_views.my_data, name="my_data"),
    path("me/delete", me_views.delete_account, name="delete_account"),
]
