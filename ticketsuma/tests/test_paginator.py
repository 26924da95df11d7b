"""Paginator: exact to a thousand, at most a minute old beyond, and no page is hidden by an old count."""

import pytest
from django.core.cache import cache
from django.core.paginator import EmptyPage

from accounts.models import Usage
from ticketsuma import paginator
from ticketsuma.paginator import GrowingPaginator

pytestmark = pytest.mark.django_db


def add(first: int, last: int) -> None:
    Usage.objects.bulk_create(Usage(key=f"{n:03}", uses=1, until=n) for n in range(first, last + 1))


@pytest.fixture
def rows(monkeypatch):
    """Ten rows, where what is longer than five is long."""
    monkeypatch.setattr(paginator, "COUNTED", 5)
    cache.clear()
    add(1, 10)
    yield Usage.objects.order_by("until")
    cache.clear()


def keys(page) -> list[int]:
    return [row.until for row in page]


def test_pages_are_those_of_djangos_paginator(rows):
    pages = GrowingPaginator(rows, 4)
    assert [keys(pages.page(n)) for n in (1, 2, 3)] == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]
    assert (pages.count, pages.num_pages) == (10, 3)
    assert [pages.page(n).has_next() for n in (1, 2, 3)] == [True, True, False]
    with pytest.raises(EmptyPage):
        pages.page(4)
    assert [keys(pages.get_page(n)) for n in ("x", 99, 0)] == [[1, 2, 3, 4], [9, 10], [9, 10]]


def test_an_empty_list_has_one_empty_page(rows):
    pages = GrowingPaginator(rows.filter(uses=2), 4)
    assert (keys(pages.page(1)), pages.count, pages.num_pages) == ([], 0, 1)


def test_a_short_list_is_counted_at_once(rows):
    assert GrowingPaginator(rows.filter(until__lte=4), 2).count == 4
    Usage.objects.filter(until=4).delete()
    assert GrowingPaginator(rows.filter(until__lte=4), 2).count == 3


def test_a_list_on_one_page_is_read_without_counting(rows, django_assert_num_queries):
    with django_assert_num_queries(2):  # keys, rows
        pages = GrowingPaginator(rows, 20)
        assert len(pages.page(1)) == pages.count == 10


def test_an_old_count_hides_no_page(rows):
    assert GrowingPaginator(rows, 4).count == 10
    add(11, 14)
    old = GrowingPaginator(rows, 4)
    assert old.count == 10
    page = old.page(3)
    assert (keys(page), page.has_next()) == ([9, 10, 11, 12], True)
    assert keys(GrowingPaginator(rows, 4).page(4)) == [13, 14]
