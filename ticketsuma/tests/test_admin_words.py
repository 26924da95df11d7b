"""Words of the admin: each field says what it is, and what it does where that is not plain; titles."""

import re

import pytest
from django.contrib import admin
from django.test import RequestFactory
from django.urls import reverse
from django.utils import translation
from django.utils.html import escape
from django.utils.text import capfirst

from accounts.roles import Ability, may
from tests.factories import EventFactory, StaffFactory
from ticketsuma.admin.base import ReadOnlyAdmin

pytestmark = pytest.mark.django_db

# Their label says it all, or their choices do.
EVIDENT = {
    "name", "email", "title", "subject", "event", "language", "start_time", "end_time", "role", "reason",
    "legal_name", "legal_address", "tax_number", "amount_sats", "count", "kind", "every", "with_codes",
    "code", "to", "address", "text",
}  # fmt: skip


def fields_of(form) -> dict:
    return {
        name: one for name, one in form.base_fields.items() if not one.widget.is_hidden and one.label != ""
    }


def forms() -> dict:
    """Every form of every registered ModelAdmin, of its inlines, and of its buttons; by name."""
    request = RequestFactory().get("/admin/")
    request.user = StaffFactory()
    assert may(request.user, Ability.OPERATE)
    found = {}
    for model, page in admin.site._registry.items():
        label = model._meta.label
        if page.has_change_permission(request):
            found[label] = page.get_form(request, None, change=True)
        for inline in page.get_inline_instances(request, None):
            if inline.has_change_permission(request, None):
                found[f"{label} > {inline.model._meta.label}"] = inline.get_formset(request, None).form
        for action in getattr(page, "staff_actions", []):
            found[f"{label}: {action.name}"] = action.form
    return found


def test_every_field_has_words_and_help_where_it_needs_some():
    dumb = [
        f"{place}: {name}"
        for place, form in forms().items()
        for name, field in fields_of(form).items()
        if not field.label or not (field.help_text or name in EVIDENT)
    ]
    assert dumb == []


def test_what_organizers_stumbled_over_has_help():
    help_of = {name: str(field.help_text) for name, field in forms()["events.Event"].base_fields.items()}
    assert [name for name in ("title", "slug", "cover", "capacity", "description") if not help_of[name]] == []


def test_every_column_of_every_page_has_words():
    """Not its Python name: `is_active`, `created_at`."""
    raw = [
        f"{model._meta.label}.{field.name}"
        for model in admin.site._registry
        for field in model._meta.concrete_fields
        if field.name not in ("id", "password") and "_" in str(field.verbose_name)
    ]
    assert raw == []


# -- titles ---------------------------------------------------------------------------------------
TITLE = re.compile(r"<title>(.*?)</title>.*?<h1>(.*?)</h1>", re.DOTALL)


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_list_is_called_by_what_it_lists(client, language):
    """Not "Select order to view"."""
    client.force_login(StaffFactory())
    for model in admin.site._registry:
        with translation.override(language):
            words = escape(capfirst(model._meta.verbose_name_plural))
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        page = client.get(url, headers={"accept-language": language}).content.decode()
        assert TITLE.search(page).groups() == (f"{words} | Tickets by UMA", words), url


@pytest.mark.parametrize(
    ("language", "word", "group"), [("en", "Event", "Events"), ("es", "Evento", "Eventos")]
)
def test_a_row_and_a_group_are_called_by_what_they_are(client, language, word, group):
    client.force_login(StaffFactory())
    spoken = {"accept-language": language}
    row = client.get(
        reverse("admin:events_event_change", args=[EventFactory(title="Moon").pk]), headers=spoken
    )
    assert TITLE.search(row.content.decode()).groups() == (f"Moon | {word} | Tickets by UMA", word)
    menu = client.get(reverse("admin:app_list", args=["events"]), headers=spoken).content.decode()
    assert TITLE.search(menu).groups() == (f"{group} | Tickets by UMA", group)


def test_ids_are_last():
    request = RequestFactory().get("/admin/")
    request.user = StaffFactory()
    pages = [
        page
        for page in admin.site._registry.values()
        if isinstance(page, ReadOnlyAdmin) and not page.fieldsets
    ]
    fields = {page.model._meta.label: page.get_fields(request) for page in pages}
    assert [label for label, names in fields.items() if "id" in names[:-1]] == []
