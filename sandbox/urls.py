"""Who answers where: the node's GraphQL, the wallet's pages and endpoints, the API that tests drive."""

from django.urls import include, path

urlpatterns = [
    path("", include("node.urls")),
    path("", include("wallet.urls")),
]
