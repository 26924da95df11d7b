"""Sats and msats: integers, with the unit in every name."""

MSATS_PER_SAT = 1_000
# 21 million bitcoin: no amount of money is larger.
MAX_SATS = 21_000_000 * 100_000_000


def format_sats(amount_sats: int) -> str:
    """`21000` → `21,000 sats`, for logs and mails; pages use the locale's own format."""
    return f"{amount_sats:,} {'sat' if amount_sats == 1 else 'sats'}"


def format_msats(amount_msats: int) -> str:
    """`1003500` → `1,003.500 sats`; whole sats without a fraction. For staff."""
    whole, rest = divmod(amount_msats, MSATS_PER_SAT)
    return f"{whole:,}.{rest:03} sats" if rest else format_sats(whole)
