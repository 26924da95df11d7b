"""Texts that nobody marked for translation."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.db import models
from django.utils.functional import Promise

from accounts.staff import save_verified_user
from tests.factories import EventFactory, OrderFactory
from tickets.staff.timeline import KINDS
from ticketsuma.admin.actions import StaffActionsMixin
from ticketsuma.admin.base import sats_column

OURS = ("accounts", "events", "payments", "tickets")
IN_ENGLISH_ONLY = {"api_docs.html"}  # for programmers, as is all it describes
TEMPLATES = sorted(
    file for file in (settings.BASE_DIR / "templates").rglob("*.*") if file.name not in IN_ENGLISH_ONLY
)
# In any language the same: marks, units, what a machine is shown.
SAME_EVERYWHERE = {"UTC", "UMA", "Lightning", "sats", "PDF"}
SPOKEN_ATTRIBUTES = re.compile(r'\b(?:alt|title|placeholder|aria-label|content)="([^"]*)"')


def words_left(markup: str) -> set[str]:
    """Words a reader would see that come from no tag of the template language."""
    markup = re.sub(r"{%\s*comment.*?endcomment\s*%}", "", markup, flags=re.DOTALL)
    markup = re.sub(r"{%\s*blocktranslate.*?endblocktranslate\s*%}", "", markup, flags=re.DOTALL)
    markup = re.sub(r"{% block (bodyclass|coltype) %}.*?{% endblock %}", "", markup)
    markup = re.sub(r"{%.*?%}|{{.*?}}|{#.*?#}", " ", markup, flags=re.DOTALL)
    markup = re.sub(r"<(script|style)\b.*?</\1>|<!--.*?-->", " ", markup, flags=re.DOTALL)
    markup = re.sub(r"<meta [^>]*>", " ", markup)
    spoken = [found[1] for found in SPOKEN_ATTRIBUTES.finditer(markup)]
    text = re.sub(r"&#?\w+;", " ", " ".join([re.sub(r"<[^>]*>", " ", markup), *spoken]))
    text = " ".join(text.split()).replace("Tickets by UMA", "")  # the shop's name
    return set(re.findall(r"[^\W\d_]{2,}", text)) - SAME_EVERYWHERE


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_a_template_has_no_word_of_its_own(template: Path):
    assert words_left(template.read_text()) == set()


def our_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model._meta.app_label in OURS]


def is_djangos(field: models.Field) -> bool:
    """Columns that Django made and translates: ids, and what it knows of people who sign in."""
    return field.name == "id" or field.name in ("password", "last_login")


@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_staff_read_about_a_model_in_their_language(model):
    meta = model._meta
    texts = [meta.verbose_name, meta.verbose_name_plural, meta.app_config.verbose_name]
    for field in meta.concrete_fields:
        if not is_djangos(field):
            texts += [field.verbose_name, field.help_text or KINDS["paid"]]
            if field.choices and not isinstance(field.choices[0][1], Promise):
                texts += [label for value, label in field.choices if label.lower() != str(value)]
    assert [text for text in texts if not isinstance(text, Promise)] == []


@pytest.mark.parametrize(
    "admins",
    [admin.site.get_model_admin(model) for model in our_models()],
    ids=lambda one: type(one).__name__,
)
def test_what_an_admin_adds_is_in_their_language(admins, rf):
    texts = [getattr(name, "short_description", None) for name in admins.list_display if callable(name)]
    for name in (*admins.list_display, *(admins.fields or [])):
        own = getattr(type(admins), name, None) if isinstance(name, str) and name != "__str__" else None
        if own:
            texts.append(getattr(own, "short_description", name))
    texts += [one.title for one in admins.list_filter if isinstance(one, type)]
    texts += [title for title, _ in admins.fieldsets or [] if title]
    texts += [admins.search_help_text] if admins.search_help_text else []
    if isinstance(admins, StaffActionsMixin):
        texts += [action.label for action in admins.staff_actions]
    assert [text for text in texts if not isinstance(text, Promise)] == []


def test_a_column_of_sats_keeps_its_name_translatable():
    assert sats_column("amount_sats", KINDS["paid"]) is sats_column("amount_sats", KINDS["paid"])


@pytest.mark.django_db
def test_staff_pages_speak_spanish(client):
    staff = save_verified_user(email="staff@example.com", password="a long enough passphrase")[0]
    client.force_login(staff)
    order = OrderFactory(event=EventFactory(price_sats=0))
    pages = {
        "/admin/": ("Requiere atención", "Vendido hoy", "Pedidos y entradas", "Nonces usados"),
        f"/admin/tickets/order/{order.pk}/change/": ("Qué ha pasado", "Pagado", "Cancelar el pedido"),
        f"/admin/tickets/order/{order.pk}/act/cancel": ("Libera sus plazas", "No, volver"),
        f"/admin/events/event/{order.event_id}/change/": ("Cancelar el evento", "Plazas", "Fin de la venta"),
        "/admin/payments/refund/": ("reembolsos", "motivo"),
    }
    for path, texts in pages.items():
        page = client.get(path, headers={"accept-language": "es"}).content.decode()
        for text in texts:
            assert text.lower() in page.lower(), (path, text)


@pytest.mark.django_db
@pytest.mark.parametrize("price_sats", [0, 2100])
def test_examples_in_fields_are_in_the_readers_language(client, price_sats):
    page = client.get(
        EventFactory(price_sats=price_sats).get_absolute_url(), headers={"accept-language": "es"}
    )
    examples = re.findall(r'placeholder="([^"]*)"', page.content.decode())
    assert "tu@example.com" in examples
    assert [one for one in examples if "you" in one] == []
