"""The admin's site: its titles, sign-in, sign-out and the order of its menu."""

from functools import update_wrapper

from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _

from accounts import second_factor
from accounts.roles import Ability, may

# What staff come for first; the rest follows in Django's order.
APPS = (
    "tickets", "guest_messages", "events", "receipts", "payments", "scheduled_exports", "accounts",
)  # fmt: skip
MODELS = ("Order", "Ticket", "CheckIn", "Mail", "Payment", "IncomingPayment", "Refund", "Invoice", "User")

# Rows that the shop keeps for itself: nobody's daily work, so they are in one closed group at the end.
HOOD = {
    "Usage", "SignIn", "PendingAct", "HistoryEntry", "VaspNonce", "WebhookEvent", "PostTransaction",
    "Checkup", "Sweep", "Invoice", "Viewer", "Announcement", "EventChange", "OrderLine", "FormerSlug",
    "DoorList", "OfflineScan", "Suppressed", "ExportMail",
}  # fmt: skip


class ShopAdminSite(AdminSite):
    site_header = site_title = "Tickets by UMA"
    index_title = _("Today")

    # Staff sign in where everybody does: there attempts are limited and addresses verified.
    login = method_decorator(secure_admin_login)(AdminSite.login)

    def admin_view(self, view, cacheable=False):
        """Closed to whoever must have a second factor, until this browser gave it."""

        def behind_second_factor(request: HttpRequest, *args, **kwargs):
            if self.has_permission(request) and (way_in := second_factor.way_in(request)):
                return way_in
            return view(request, *args, **kwargs)

        return super().admin_view(update_wrapper(behind_second_factor, view), cacheable)

    def logout(self, request: HttpRequest, extra_context=None):
        """Django's only takes POST; who merely looks at its address is led to the start page."""
        return super().logout(request, extra_context) if request.method == "POST" else redirect("admin:index")

    def get_urls(self):
        """Django's redirect to any row's own page would tell rows that are there from those that are not."""
        return [one for one in super().get_urls() if getattr(one, "name", "") != "view_on_site"]

    def index(self, request: HttpRequest, extra_context=None):
        """Who minds doors and nothing else begins there."""
        if may(request.user, Ability.DOOR) and not self.get_app_list(request):
            return redirect("doors")
        return super().index(request, extra_context)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict]:
        """The apps and their models by how often they are needed; what is under the hood in one group."""
        apps = super().get_app_list(request, app_label)
        for app in apps:
            app["models"].sort(key=lambda model: _place(model["object_name"], MODELS))
        apps = sorted(apps, key=lambda app: _place(app["app_label"], APPS))
        if app_label is not None:
            return apps
        hood = [model for app in apps for model in app["models"] if model["object_name"] in HOOD]
        for app in apps:
            app["models"] = [model for model in app["models"] if model["object_name"] not in HOOD]
        group = {"name": _("Under the hood"), "app_label": "hood", "models": hood, "is_closed": True}
        return [app for app in apps if app["models"]] + ([group] if hood else [])


def _place(name: str, order: tuple[str, ...]) -> int:
    return order.index(name) if name in order else len(order)
