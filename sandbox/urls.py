"""URLs of the sandbox: the node's GraphQL, the wallet's pages and endpoints, the tests' API, rates, demo."""

from django.urls import include, path

urlpatterns = [
    path("", include("node.urls")),
    path("", include("wallet.urls")),
    path("", include("rates.urls")),
    path("", include("demo.urls")),
]
