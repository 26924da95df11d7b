"""The search in the head of the admin's pages: the only order that is found opens itself."""

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.http import urlencode

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as _AnyAdmin
else:
    _AnyAdmin = object  # a mixin; mypy wants its base


class FindsOne(_AnyAdmin):
    """For the ModelAdmin of orders, which searches by everything that leads to one."""

    def get_urls(self):
        view = self.admin_site.admin_view(self.find_view)
        return [path("find", view, name="tickets_order_find"), *super().get_urls()]

    def find_view(self, request: HttpRequest) -> HttpResponse:
        """Several, or none, are the list's."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        words = request.GET.get("q", "").strip()[:400]
        if words:
            rows, _may_repeat = self.get_search_results(request, self.get_queryset(request), words)
            found = list(rows.order_by().values_list("pk", flat=True)[:2])
            if len(found) == 1:
                return redirect("admin:tickets_order_change", found[0])
        return redirect(f"{reverse('admin:tickets_order_changelist')}?{urlencode({'q': words})}")
