"""The configuration of the admin's app: Django's, with this shop's site."""

from django.contrib.admin.apps import AdminConfig


class ShopAdminConfig(AdminConfig):
    default_site = "ticketsuma.admin.site.ShopAdminSite"
