"""Admin of organizers, with the statement of their money."""

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _

from accounts.roles import Ability, may
from events.admin import BaseOrganizerAdmin
from events.models import Organizer

from .staff.statements import statement


@admin.register(Organizer)
class OrganizerAdmin(BaseOrganizerAdmin):
    change_form_template = "admin/events/organizer/change_form.html"

    def get_urls(self):
        view = self.admin_site.admin_view(self.statement_view)
        name = "events_organizer_statement"
        return [path("<path:object_id>/statement", view, name=name), *super().get_urls()]

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        context["sees_statement"] = obj is not None and may(request.user, Ability.SEE_MONEY, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def statement_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        organizer = self.get_object(request, unquote(object_id))
        if organizer is None:
            raise Http404
        if not may(request.user, Ability.SEE_MONEY, organizer):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request), "opts": self.model._meta, "original": organizer,
            "title": _("Statement"), "statement": statement(organizer),
        }  # fmt: skip
        return TemplateResponse(request, "admin/statement.html", context)
