"""Incoming payments as the node lists them: page by page, each payment handled by itself."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from . import lightspark
from .lightspark import NodePayment

logger = logging.getLogger(__name__)

PAGE_SIZE = 100
# The SDK's own query reads a page whole or not at all.
_QUERY = """
query FetchAccountToTransactionsConnection(
  $first: Int, $after: String, $after_date: DateTime, $before_date: DateTime, $lightning_node_id: ID
) {
  current_account {
    transactions(
      first: $first, after: $after, types: [INCOMING_PAYMENT], statuses: [SUCCESS],
      after_date: $after_date, before_date: $before_date, lightning_node_id: $lightning_node_id
    ) {
      page_info { has_next_page end_cursor }
      entities { id created_at ... on IncomingPayment { ...IncomingPaymentFragment } }
    }
  }
}"""


@dataclass(frozen=True)
class Page:
    """Some payments of the list. `unreadable` are the ids of those whose data nobody here understands.

    `newest` is when the latest of all began, if the page is sorted from new to old, else None.
    """

    payments: list[NodePayment]
    unreadable: list[str]
    newest: datetime | None


def incoming_pages(
    since: datetime, until: datetime | None = None, *, every_node: bool = False
) -> Iterator[Page]:
    """Successful incoming payments that began from `since` on and before `until`; raises NodeUnknown.

    Of our node, or of every node of the account. Pages are asked for as they are read.
    """
    wanted = {"first": PAGE_SIZE, "after_date": since.isoformat(), "after": None}
    wanted["before_date"] = until.isoformat() if until else None
    wanted["lightning_node_id"] = None if every_node else settings.LIGHTSPARK_NODE_ID
    while True:
        answer = lightspark.run(
            _QUERY + lightspark.incoming_fragment(), wanted, seconds=settings.NODE_LIST_SECONDS
        )
        try:
            listed = answer["current_account"]["transactions"]
            info = listed["page_info"]
            page = _page(listed["entities"])
            more = lightspark.has_more(info["has_next_page"], listed["entities"]) and info["end_cursor"]
        except (KeyError, TypeError) as error:
            raise lightspark.NodeUnknown(reason="its list cannot be read") from error
        yield page
        if not more:
            return
        wanted["after"] = more


def _page(entities: list[dict]) -> Page:
    payments, unreadable = [], []
    for entity in entities:
        try:
            payment = lightspark.read_incoming(entity)
        except Exception as error:  # one that cannot be read must not hide the others
            if isinstance(error, lightspark.NodeUnknown) and not isinstance(error, lightspark.NotBitcoin):
                raise
            logger.error("payment %s cannot be read: %s", entity["id"], type(error).__name__)
            unreadable.append(entity["id"])
        else:
            payments += [payment] if payment else []
    return Page(payments, unreadable, _newest(entities))


def _newest(entities: list[dict]) -> datetime | None:
    try:
        began = [datetime.fromisoformat(entity["created_at"]) for entity in entities]
    except (KeyError, TypeError, ValueError):
        return None
    return began[0] if began and began == sorted(began, reverse=True) else None
