"""Words of the admin's forms: each field says what it is, and what it does where that is not plain."""

import pytest
from django.contrib import admin
from django.test import RequestFactory

from accounts.roles import Ability, may
from tests.factories import StaffFactory

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


def test_every_column_of_every_page_has_words():
    """Not its Python name: `is_active`, `created_at`."""
    raw = [
        f"{model._meta.label}.{field.name}"
        for model in admin.site._registry
        for field in model._meta.concrete_fields
        if field.name not in ("id", "password") and "_" in str(field.verbose_name)
    ]
    assert raw == []
