"""Form fields written by us are those that Django's templates would write."""

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from ticketsuma.web.form_renderer import PlainInputs

HOSTILE = '"><script>&'


KINDS = [forms.TextInput, forms.EmailInput, forms.NumberInput, forms.HiddenInput, forms.URLInput]


@pytest.mark.parametrize("kind", [*KINDS, forms.PasswordInput])
@pytest.mark.parametrize("value", [None, "", "x", 0, 12_345, HOSTILE, mark_safe("&amp;")], ids=repr)
@pytest.mark.parametrize(
    "attrs",
    [{}, {"required": True, "autofocus": False, "min": 0, "title": HOSTILE, "id": "id_x"}, {"a": "", "b": 1}],
    ids=len,
)
def test_an_input_is_the_one_of_djangos_templates(kind, value, attrs):
    theirs, ours = (
        kind(attrs).render("name[0]", value, renderer=renderer())
        for renderer in (DjangoTemplates, PlainInputs)
    )
    assert ours.strip() == theirs.strip()


@pytest.mark.parametrize("kind", [forms.Select, forms.SelectMultiple])
@pytest.mark.parametrize("value", [None, "", "b", 2, ["b", "2"], HOSTILE, True], ids=repr)
@pytest.mark.parametrize("attrs", [{}, {"required": True, "autofocus": False, "title": HOSTILE}], ids=len)
def test_a_select_is_the_one_of_djangos_templates(kind, value, attrs):
    choices = [("", "---"), ("b", "B & C"), (2, 12_345), (HOSTILE, HOSTILE)]
    choices += [(f"Group {HOSTILE}", [("d", _("Change")), (mark_safe("&amp;"), mark_safe("<b>"))])]
    theirs, ours = (
        kind(attrs, choices=choices).render("name[0]", value, renderer=renderer())
        for renderer in (DjangoTemplates, PlainInputs)
    )
    assert ours.strip() == theirs.strip()
