"""Taxes that prices include: nothing is lost by rounding, however an order is paid and paid back."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets.receipts.taxes import Part, by_rate, split, tax_in, with_taxes

AMOUNTS = st.integers(0, 10**15)
RATES = st.none() | st.integers(0, 10_000)
PARTS = st.lists(st.builds(Part, st.just("A"), AMOUNTS, RATES), min_size=1, max_size=12)


@given(AMOUNTS, RATES)
def test_the_tax_of_an_amount_is_exact_to_half_a_unit(amount, rate):
    tax = tax_in(amount, rate)
    exact = Fraction(amount * (rate or 0), 10_000 + (rate or 0))
    assert abs(tax - exact) <= Fraction(1, 2)
    assert 0 <= tax <= amount


@given(PARTS)
def test_lines_add_up_to_the_tax_of_their_rate(parts):
    taxed = with_taxes(parts)
    assert [(part.amount, part.rate) for part in taxed] == [(part.amount, part.rate) for part in parts]
    for rate, gross, tax in by_rate(taxed):
        assert tax == tax_in(gross, rate)
    assert sum(part.tax for part in taxed) == sum(tax for _rate, _gross, tax in by_rate(taxed))
    assert all(0 <= part.tax <= part.amount for part in taxed)
    for part in taxed:
        exact = Fraction(part.amount * (part.rate or 0), 10_000 + (part.rate or 0))
        assert abs(part.tax - exact) < 2


@given(st.lists(AMOUNTS, min_size=1, max_size=12), st.data())
def test_a_split_gives_away_all_and_nobody_more_than_their_own(weights, data):
    total = data.draw(st.integers(0, sum(weights)))
    parts = split(total, weights)
    assert sum(parts) == total
    assert all(0 <= part <= weight for part, weight in zip(parts, weights, strict=True))


def test_no_more_is_split_than_there_is():
    with pytest.raises(ValueError, match="more"):
        split(3, [1, 1])


@given(PARTS, st.lists(st.integers(1, 10**12), max_size=6))
def test_what_is_paid_back_in_parts_comes_to_the_tax_of_the_whole(parts, steps):
    sold = with_taxes(parts)
    left = [part.amount for part in sold]
    before: list[Part] = []
    for step in [*steps, sum(left)]:
        shares = split(min(step, sum(left)), left)
        left = [all_ - share for all_, share in zip(left, shares, strict=True)]
        note = [Part(part.text, share, part.rate) for part, share in zip(sold, shares, strict=True)]
        note = with_taxes(note, before)
        assert all(0 <= part.tax <= part.amount for part in note)
        before += note
    assert by_rate(before) == by_rate(sold)


def test_a_known_receipt():
    [adult, child, gift] = with_taxes([Part("Adult", 2400, 1900), Part("Child", 500, 700), Part("Gift", 0)])
    assert (adult.tax, child.tax, gift.tax) == (383, 33, 0)
