"""Who answers where: the node's GraphQL, the wallet's pages and endpoints, the API of tests, the demo."""

from django.urls import include, path

urlpatterns = [
    path("", include("node.urls")),
    path("", include("wallet.urls")),
    path("", include("demo.urls")),
]
