from django.urls import path

from node.api import json_api
from rates import views

urlpatterns = [
    path("rates", views.page, name="rates"),
    path("rates/move", views.move, name="rates-move"),
    path("rates/<str:exchange>/<str:currency>", views.ticker),
    path("api/rates", json_api(GET=views.list_prices, POST=views.post_prices)),
]
