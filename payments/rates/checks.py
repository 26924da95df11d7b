"""Checks of rates, for doctor and health: which sales pause, and which source gives no price."""

from collections.abc import Iterator

from payments.node.checks import NOTE, OK, UNKNOWN, Finding

from .models import CurrencyRate
from .services import why_paused

_PAUSES = {
    "sources": (UNKNOWN, "fewer than two sources agree"),
    "jump": (NOTE, "the rate jumped by more than 10 % in a minute"),
    "stale": (UNKNOWN, "the rate is older than two minutes"),
}


def look_at_rates() -> Iterator[Finding]:
    """One finding for each currency that something is priced in; none while all prices are in sats."""
    for row in CurrencyRate.objects.order_by("currency"):
        said = (
            ", ".join(f"{name}: {answer}" for name, answer in sorted(row.answers.items()))
            or "nobody was asked yet"
        )
        why = why_paused(row)
        if why:
            level, because = _PAUSES[why]
            yield Finding("rates", level, f"Sales in {row.currency} pause: {because} ({said}).")
        elif set(row.sources) != set(row.answers):
            yield Finding("rates", NOTE, f"Not every source of {row.currency} counts ({said}).")
        else:
            yield Finding("rates", OK, f"A bitcoin costs {row.btc_price:,.2f} {row.currency}.")


def health() -> dict[str, str]:
    """`paused` while sales in a currency pause; sales in sats go on."""
    rows = CurrencyRate.objects.all()
    return {"rates": "paused" if any(why_paused(row) for row in rows) else "ok"}
