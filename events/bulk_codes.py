"""Many promo codes at once: each its own word, under the same rules."""

from collections.abc import Iterable

from django.db import transaction

from accounts.history import record
from ticketsuma.codes import new_code

from .catalogue_models import PromoCode, TicketType, code_key, note_change

MOST = 1000  # at once
RANDOM = 10  # letters and digits of each, five bits each: fifty bits nobody guesses
LONGEST_PREFIX = 20


def make_codes(
    rules: PromoCode, count: int, *, prefix: str = "", types: Iterable[TicketType] = ()
) -> list[PromoCode]:
    """`count` codes with the `rules` of an unsaved one, for `types`; with their keys, in one transaction.

    Each reads `PREFIX-4F7KQ-2M9TX`: no look-alikes, and no two of an event compare alike. Raises
    IntegrityError where one was there already, which fifty random bits make as likely as a lost database.
    """
    texts: set[str] = set()
    while len(texts) < count:
        texts.add("-".join(filter(None, (prefix, new_code(RANDOM // 2), new_code(RANDOM // 2)))))
    shared = {
        name: getattr(rules, name)
        for name in ("event", "kind", "value", "max_uses", "max_per_person", "starts_at", "ends_at")
    }
    with transaction.atomic():
        codes = PromoCode.objects.bulk_create(
            PromoCode(text=text, key=code_key(text), **shared) for text in sorted(texts)
        )
        through = PromoCode.types.through
        through.objects.bulk_create(
            through(promocode=code, tickettype=each) for each in types for code in codes
        )
        record("codes", rules.event, count=count)
        note_change(rules.event_id)
    return codes
