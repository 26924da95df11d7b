"""Translations: every text has its Spanish, and pages are in the reader's language."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation
from django.utils.translation import trans_real
from django.utils.translation.template import templatize

from tests.factories import EventFactory

APPS = ("accounts", "events", "payments", "tickets", "ticketsuma")
SIMPLE = {"_", "gettext", "gettext_lazy"}
PLURAL = {"ngettext", "ngettext_lazy"}
WITH_CONTEXT = {"pgettext", "pgettext_lazy"}


@pytest.fixture(autouse=True)
def _language_of_the_next_test():
    """A request leaves its language active in its thread; the next request would choose its own."""
    with translation.override("en"):
        yield


def marked(call: ast.Call) -> Iterator[tuple[str, str]]:
    """(context, text) of a call that marks a text for translation."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    words = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    if name in WITH_CONTEXT and len(words) == 2:
        yield words[0], words[1]
    elif (name in SIMPLE or name in PLURAL) and words:
        yield "", words[0]


def marked_texts() -> set[tuple[str, str]]:
    """Every text in our Python and templates that is marked for translation."""
    found = set()
    for app in APPS:
        for file in (settings.BASE_DIR / app).rglob("*.py"):
            if "tests" not in file.parts:
                for node in ast.walk(ast.parse(file.read_text())):
                    if isinstance(node, ast.Call):
                        found.update(marked(node))
    for file in (settings.BASE_DIR / "templates").rglob("*.*"):
        for line in templatize(file.read_text(), origin=str(file)).splitlines():
            found.update(marked_in_template(line))
    return found


def marked_in_template(line: str) -> Iterator[tuple[str, str]]:
    """What `templatize` wrote of a template's tags, as calls in the shape of Python."""
    for found in re.finditer(r"\b(?:_|n?gettext|pgettext)\((?=\s*u?['\"])", line):
        for end in [at.end() for at in re.finditer(r"\)", line[found.start() :])]:
            try:
                call = ast.parse(line[found.start() :][:end].strip(), mode="eval").body
            except SyntaxError:
                continue
            yield from marked(call)
            break


def spanish() -> trans_real.DjangoTranslation:
    return trans_real.translation("es")


def test_every_text_has_its_spanish():
    texts = marked_texts()
    assert len(texts) > 400
    catalog = spanish()._catalog
    missing = []
    for context, text in texts:
        key = f"{context}\x04{text}" if context else text
        if not (key in catalog or (key, 0) in catalog):
            missing.append(text)
    assert sorted(missing) == [], "add them to locale/es and compile: manage.py makemessages, compilemessages"


def entries() -> Iterator[tuple[str, list[str]]]:
    """(key in the catalog, translations) of our own file."""
    file = (Path(settings.LOCALE_PATHS[0]) / "es/LC_MESSAGES/django.po").read_text()
    for block in file.split("\n\n")[1:]:
        msgid = re.search(r'^msgid ((?:".*"\n?)+)', block, re.MULTILINE)
        words = re.findall(r'^msgstr(?:\[\d\])? ((?:".*"\n?)+)', block, re.MULTILINE)
        if msgid and not block.startswith("#~"):
            joined = ["".join(ast.literal_eval(part) for part in word.splitlines()) for word in words]
            context = re.search(r'^msgctxt "(.*)"$', block, re.MULTILINE)
            text = "".join(ast.literal_eval(part) for part in msgid[1].splitlines())
            yield (f"{context[1]}\x04{text}" if context else text), joined


def test_the_spanish_is_whole_compiled_and_keeps_every_placeholder():
    placeholder = re.compile(r"%\(\w+\)s|%s|\{\w+\}")
    everything = list(entries())
    assert len(everything) > 400
    with translation.override("es"):
        for msgid, words in everything:
            assert all(words), msgid
            for word in words:
                lost = set(placeholder.findall(msgid)) - set(placeholder.findall(word))
                assert lost == set(), msgid
    compiled = spanish()._catalog
    for msgid, words in everything:
        if len(words) == 1 and msgid in compiled:
            assert compiled[msgid] == words[0], f"{msgid}: compile locale/es again"


def test_the_spanish_is_that_of_spain_throughout():
    """Decided once (docs/decisions.md): no word of the Americas beside it, and nobody is called usted."""
    elsewhere = re.compile(
        r"\b(billeteras?|en vivo|teléfonos?|celular(es)?|computadoras?|boletos?|tomar|usted(es)?"
        r"|entr(ar|ó|a) a la)\b",
        re.IGNORECASE,
    )
    found = [word for _, words in entries() for word in words if elsewhere.search(word)]
    assert found == []


@pytest.mark.django_db
def test_a_page_is_in_the_readers_language_with_its_numbers_and_dates(client):
    start = datetime(2031, 5, 2, 18, tzinfo=UTC)
    event = EventFactory(price_sats=21000, start_time=start, end_time=start.replace(hour=20))
    spanish_page = client.get(event.get_absolute_url(), headers={"accept-language": "es-MX,es;q=0.9"})
    text = spanish_page.content.decode()
    assert '<html lang="es">' in text
    assert "viernes 2 de mayo de 2031" in text.lower()
    assert "21\xa0000" in text
    assert "Your UMA address" not in text
    english = client.get(event.get_absolute_url(), headers={"accept-language": "de"}).content.decode()
    assert '<html lang="en">' in english
    assert "Friday 2 May 2031" in english
    assert "21,000" in english


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/find", "/paid", "/accounts/login/", "/accounts/signup/", "/nothing"])
def test_pages_speak_spanish(client, path):
    text = client.get(path, headers={"accept-language": "es"}).content.decode()
    assert '<html lang="es">' in text
    assert "Send my tickets again" not in text
    assert "Enviar mis entradas otra vez" in text


@pytest.mark.django_db
def test_the_language_is_switched_by_a_button_and_only_within_the_shop(client):
    answer = client.post("/language", {"language": "es", "next": "/find"})
    assert (answer.status_code, answer["Location"]) == (302, "/find")
    assert '<html lang="es">' in client.get("/find").content.decode()
    assert client.post("/language", {"language": "xx", "next": "//evil.example"})["Location"] == "/"
    assert client.get("/language", {"language": "en"}).status_code == 302
    assert '<html lang="es">' in client.get("/find").content.decode()
