"""URLs of reports and exports, behind the admin's sign-in and second factor."""

from django.contrib import admin
from django.urls import path

from . import views

urlpatterns = [
    path("", admin.site.admin_view(views.report), name="report"),
    path("exports", admin.site.admin_view(views.exports), name="exports"),
    path("exports/<slug:table>", admin.site.admin_view(views.export), name="export"),
]
