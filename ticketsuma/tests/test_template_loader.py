"""Template loader: folded templates say what Django's own loader makes of the same."""

import copy
import re

import pytest
from django.core.cache import caches
from django.template import Context, Engine
from django.utils import translation
from django.utils.safestring import mark_safe

from payments.services import settle_node_payment
from tests.acts import money_for, open_invoice
from tests.factories import EventFactory, OrderFactory
from ticketsuma.web.template_loader import _FILES, Constant

OURS, DJANGOS = "ticketsuma.web.template_loader.Loader", "django.template.loaders.cached.Loader"
LIBRARIES = {
    "i18n": "django.templatetags.i18n",
    "static": "django.templatetags.static",
    "display": "ticketsuma.templatetags.display",
}
TEMPLATES = {
    "base": (
        "{% load i18n %}\n{% block a %}base {% translate 'Change' %}{% endblock %}"
        "|{% include 'part' %}|{{ label }}"
    ),
    "page": (
        "text {% extends 'base' %}{% load i18n %}"
        "{% block a %}{{ block.super }} {% translate 'Copy' %}{% endblock %}"
    ),
    "part": "{% load i18n %}{% translate 'Copy' as label %}[{{ label }} {{ word }}]{% translate 'Change' %}",
    "turns": "{% for x in three %}{% include 'turn' %}{% endfor %}",
    "turn": "{% cycle 'a' 'b' %}",
    "many": (
        "{% load i18n display %}{% for x in three %}<{% icon 'check' %}{% translate 'Change' %}"
        "{% if x == 2 %} {% translate 'Copy' %}{% include 'part' with word=x %}{% else %}"
        "{% comment %}no{% endcomment %}{{ word }}{% endif %}>"
        "{% endfor %}{% language 'es' %}{% translate 'Change' %}{% endlanguage %}{% include name %}"
        "{% include 'part' with word='&' only %}{% autoescape off %}{% include 'part' %}{% endautoescape %}"
        "{% translate word %}{% translate 'Change'|upper %}100%{% translate 'Change' noop %}{% icon icon %}"
        "{% load static %}{% static 'img/icon.svg' %}{% static name %}{% static 'a' as a %}{{ a }}"
        "{% url 'find_tickets' %}{% url where %}{% url 'order' name %}"
        "{% url 'find_tickets' as f %}{{ f }}{% url 'no' as n %}{{ n }}"
        "{{ safe }}{{ amount }}{{ none }}{{ missing }}{% autoescape off %}{{ word }}{% endautoescape %}"
    ),
}


def engine_of(loader: str) -> Engine:
    own = ("django.template.loaders.locmem.Loader", TEMPLATES)
    return Engine(loaders=[(loader, [own])], libraries=LIBRARIES)


@pytest.mark.parametrize("name", ["page", "base", "part", "turns", "many"])
def test_folded_templates_say_the_same_in_each_language(name):
    folded, plain = engine_of(OURS).get_template(name), engine_of(DJANGOS).get_template(name)
    words = {"word": "<&'\">", "three": [1, 2, 3], "name": "part", "icon": "mail", "where": "paid"}
    words |= {"safe": mark_safe("<b>"), "amount": 1234.5, "none": None}
    said = set()
    for language in ("en", "es", "en"):
        with translation.override(language):
            assert folded.render(Context(words)) == plain.render(Context(words))
            said.add(folded.render(Context(words)))
    assert len(said) == (1 if name == "turns" else 2)


def test_what_never_changes_is_one_node():
    source = (
        "<b>{% load i18n display static %}{% icon 'check' %}{% translate 'Change' %}</b>"
        "{% url 'find_tickets' %}{% static 'img/icon.svg' %}{{ word }}"
    )
    own = ("django.template.loaders.locmem.Loader", {"source": source})
    engine = Engine(loaders=[(OURS, [own])], libraries=LIBRARIES)
    assert [type(node) for node in engine.get_template("source").nodelist][:-1] == [Constant]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("language", ["en", "es"])
def test_pages_are_the_same_to_the_letter(client, language, settings):
    event = EventFactory()
    waiting, paid = OrderFactory(event=event), OrderFactory(event=event)
    settle_node_payment(money_for(open_invoice(paid)))
    pages = ["/", "/accounts/login/", event.get_absolute_url(), waiting.get_absolute_url()]
    pages += [paid.get_absolute_url(), "/no-such-page"]
    client.cookies.load({settings.LANGUAGE_COOKIE_NAME: language})

    def look() -> list[str]:
        caches["pages"].clear()  # or what was kept is looked at twice
        texts = [client.get(page).content.decode() for page in pages]
        return [
            re.sub(r'(csrfmiddlewaretoken"|name="key") value="[^"]+"|data-seconds="\d+"', "", text)
            for text in texts
        ]

    assert [client.get(page).status_code for page in pages] == [200] * 5 + [404]
    folded = look()
    plain = copy.deepcopy(settings.TEMPLATES)
    plain[0]["OPTIONS"]["loaders"] = [(DJANGOS, _FILES)]
    settings.TEMPLATES = plain
    assert look() == folded
    assert 'lang="es"' in folded[0] or language == "en"
