"""What a log line may not hold."""

import logging

import pytest
from django.test import RequestFactory
from django.urls import resolve

from ticketsuma.logs import RouteNotAddress


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
    assert RouteNotAddress().filter(record)
    assert "a-secret-token" not in record.getMessage()
    assert "<str:token>" in record.getMessage()


def test_an_unwell_shop_is_no_line_for_every_question():
    assert not RouteNotAddress().filter(failed("/health"))
