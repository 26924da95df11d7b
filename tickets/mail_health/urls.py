from django.urls import path

from . import webhooks

urlpatterns = [path("api/webhooks/mail", webhooks.receive)]
