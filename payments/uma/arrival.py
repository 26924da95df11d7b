"""Amount that reaches the receiver of our sats: read from a pay request's answer (UMAD-06, LUD-21)."""

import re
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _
from uma import PayReqResponse

from payments.refund_models import MAX_DECIMALS
from ticketsuma.errors import DomainError

_CODE = re.compile(r"[A-Za-z0-9]{1,16}")
_MOST_UNITS = 2**63 - 1


class CannotReceive(DomainError):
    """Definite refusal: this address takes no such payment, and asking again will not help."""

    code = "cannot_receive"
    message = _("This address cannot receive the payment.")


class BadAnswer(DomainError):
    """What came back is not what was asked for; the other side may mend that."""

    code = "bad_vasp_answer"
    message = _("That wallet's server does not answer as it should.")
    status = 424


class NothingArrives(CannotReceive):
    """The receiver's wallet would take all of it: less than one unit of its currency is left."""

    code = "nothing_would_arrive"


@dataclass(frozen=True)
class Arrival:
    """What the receiver's wallet credits: `amount` in the smallest unit of `currency`, as its server says.

    `fee_msats` is what that wallet keeps for itself out of what is sent.
    """

    amount: int
    currency: str
    decimals: int
    fee_msats: int


def read_arrival(answer: PayReqResponse, *, sent_msats: int, currency: str) -> Arrival | None:
    """What the answer says that arrives of `sent_msats`; None when it speaks of nothing but the BOLT11.

    By UMAD-06 amount × multiplier + fee is what is sent, up to one unit of rounding. Raises NothingArrives
    for an amount below one unit or a fee of the whole; BadAnswer for another currency than asked
    for ("" for any), for numbers that are none, and for sums that lose money on the way.
    """
    info = answer.payment_info
    if info is None:
        return None
    fee, rate, amount = info.exchange_fees_msats, info.multiplier, info.amount
    sane = type(fee) is int and fee >= 0 and type(rate) in (int, float) and 0 < rate < float(_MOST_UNITS)
    if not sane or type(info.decimals) is not int or not 0 <= info.decimals <= MAX_DECIMALS:
        raise BadAnswer
    code = info.currency_code
    if not isinstance(code, str) or not _CODE.fullmatch(code) or (currency and code != currency):
        raise BadAnswer
    if amount is None:  # version 0 leaves it out
        amount = int((sent_msats - fee) // rate)
    if type(amount) is not int or amount > _MOST_UNITS:
        raise BadAnswer
    if amount < 1 or fee >= sent_msats:
        raise NothingArrives
    if abs(sent_msats - fee - amount * rate) > rate + sent_msats / 100:
        raise BadAnswer
    return Arrival(amount, code, info.decimals, fee)
