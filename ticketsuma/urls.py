"""URLs of the shop; each app lists its own."""

from django.contrib import admin
from django.urls import include, path
from django.views.i18n import set_language

from payments import webhooks
from payments.health import CHECKS

from .web import health
from .web.strangers import takes_strangers_forms

handler500 = "ticketsuma.web.unavailable.server_error"

# In order: the API and accounts before the many pages without a prefix. Below api/ and admin/ everything
# that is left is answered there, so what others have below them comes first.
urlpatterns = [
    path("api/webhooks/payment", webhooks.receive),
    path("", include("payments.urls")),
    path("", include("tickets.mail_health.urls")),
    path("api/", include("ticketsuma.api_urls")),
    path("accounts/", include("accounts.urls")),
    path("", include("events.urls")),
    path("", include("tickets.urls")),
    path("", include("tickets.offline_door.urls")),
    path("", include("tickets.push.urls")),
    path("", include("tickets.receipts.urls")),
    path("", include("tickets.account_urls")),
    path("", include("tickets.guest_messages.urls")),
    path("admin/reports/", include("tickets.reports.urls")),
    path("admin/", admin.site.urls),
    path("language", takes_strangers_forms(set_language), name="set_language"),
    path("health", health.health, {"checks": CHECKS}),
    path("health/live", health.live),
]
