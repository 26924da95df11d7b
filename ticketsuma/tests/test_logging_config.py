"""Logs: no line holds an address, a token or a row."""

import io
import json
import logging
import secrets
import smtplib

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction
from django.test import RequestFactory
from django.urls import resolve

from accounts.models import User
from events.models import Event
from tests.factories import EventFactory, UnprovenUserFactory
from ticketsuma.conf import logging_config
from ticketsuma.conf.logging_config import PathRedactingFilter, scrub


def failed(path: str) -> logging.LogRecord:
    """The record that Django makes of a request that failed."""
    request = RequestFactory().get(path)
    request.resolver_match = resolve(path)
    record = logging.LogRecord("django.request", logging.ERROR, "", 0, "%s: %s", ("Broken", path), None)
    record.request = request
    return record


@pytest.mark.parametrize("path", ["/orders/a-secret-token", "/tickets/a-secret-token/stream"])
def test_a_failed_page_is_named_by_its_route(path):
    record = failed(path)
    assert PathRedactingFilter().filter(record)
    assert "a-secret-token" not in record.getMessage()
    assert "<str:token>" in record.getMessage()


def test_an_unwell_shop_is_no_line_for_every_question():
    assert not PathRedactingFilter().filter(failed("/health"))


@pytest.fixture(params=[True, False], ids=["json", "for people"])
def said(request):
    """What the log said, in either form."""
    before = logging.getLogger().handlers[:]
    logging_config.configure({"level": "INFO", "json": request.param})
    written = io.StringIO()
    (handler,) = logging.getLogger().handlers
    handler.setStream(written)
    yield written.getvalue
    logging_config.configure(settings.LOGGING)
    logging.getLogger().handlers[:] = before


def fail_beside_secrets() -> None:
    password = "a-secret-pass-phrase"
    everybody = User.objects.all()
    raise ValueError(f"nothing about {len(password)} letters and {type(everybody).__name__}")


@pytest.mark.django_db
def test_a_logged_exception_asks_the_database_nothing_and_tells_no_local(said, django_assert_num_queries):
    UnprovenUserFactory(email="ann@example.com")
    with django_assert_num_queries(0):
        try:
            fail_beside_secrets()
        except ValueError:
            logging.getLogger("any").exception("it failed")
        text = said()
    assert "fail_beside_secrets" in text
    assert "Traceback" in text
    assert "a-secret-pass-phrase" not in text
    assert "ann@" not in text


def test_a_mail_server_that_refuses_names_nobody(said):
    answer = (550, b"5.1.1 <ann.b+c@example.com>: Recipient address rejected")
    error = smtplib.SMTPRecipientsRefused({"ann.b+c@example.com": answer})
    logging.getLogger("any").error("mail to %s", "$ann.b+c@wallet.example:8081", exc_info=error)
    text = said()
    assert "550" in text
    assert "rejected" in text
    assert "ann" not in text
    assert "wallet.example" not in text


@pytest.mark.django_db
def test_a_database_error_tells_no_row(said):
    kept, taken = secrets.token_hex(8), f"{secrets.token_hex(8)}@example.com"
    event = Event.objects.filter(pk=EventFactory().pk)
    UnprovenUserFactory(email=taken)
    for act in (
        lambda: event.update(title=kept, capacity=-1),
        lambda: User.objects.create(email=taken, name=kept),
    ):
        with pytest.raises(IntegrityError) as broken, transaction.atomic():
            act()
        logging.getLogger("any").error("broken", exc_info=broken.value)
    text = said()
    assert text.count("IntegrityError") >= 2
    assert kept not in text
    assert taken not in text


@pytest.mark.parametrize("at", ["@", "%40"])
def test_what_is_no_address_stays(at):
    line = "GET orders/<str:token> 3 @ 4, @wraps, 200 in 5 ms"
    assert scrub(f"{line}, to ann{at}example.com.") == f"{line}, to [address]"


@pytest.mark.parametrize("said", [True], indirect=True)
def test_a_line_is_still_json(said):
    logging.getLogger("any").info("paid by %s", "ann@example.com")
    line = json.loads(said())
    assert (line["event"], line["level"], line["logger"]) == ("paid by [address]", "info", "any")
