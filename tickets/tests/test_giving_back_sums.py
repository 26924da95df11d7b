"""Property test of what tickets bring back: any lines, any quote, in any parts; a million with `--long`."""

import random
from fractions import Fraction

from tickets.services.giving_back import sats_back

FEW, MANY = 5_000, 1_000_000


def draw_order(dice: random.Random) -> tuple[list[tuple[int, int]], int]:
    """Up to four lines, each of an amount in minor units for some seats, and what all came to in sats."""
    most = dice.choice([3, 50, 10**6])
    lines = [(dice.randint(1, most), dice.randint(1, 4)) for _line in range(dice.randint(1, 4))]
    return lines, dice.randint(1, dice.choice([5, 100, 10**7]))


def worth(lines: list[tuple[int, int]], seats: list[int]) -> Fraction:
    return sum((Fraction(amount * n, of) for (amount, of), n in zip(lines, seats, strict=True)), Fraction(0))


def test_parts_sum_up_to_what_came_and_never_to_more(pytestconfig):
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    dice = random.Random(seed)
    for _order in range(MANY if pytestconfig.getoption("long") else FEW):
        lines, came = draw_order(dice)
        amount, good, left = sum(line for line, _of in lines), [of for _line, of in lines], came
        sent_by_staff = 0
        while any(good):
            taken = [dice.randint(0, seats) for seats in good]
            share, due = worth(lines, taken), worth(lines, good)
            if not share:
                continue
            if dice.random() < 0.02:
                sent = dice.randint(0, left)
                sent_by_staff, left = sent_by_staff + sent, left - sent
            back = sats_back(came, amount, due=due, share=share, left_sats=left)
            told = (seed, lines, came, taken, left)
            assert 0 <= back <= left, told
            assert abs(back - came * share / amount) < 1 or sent_by_staff, told
            left -= back
            good = [seats - n for seats, n in zip(good, taken, strict=True)]
        assert left == 0 or sent_by_staff, (seed, lines, came, left)
