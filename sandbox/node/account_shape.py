"""GraphQL object of an account: its nodes, invoices and transactions, page by page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from node import objects
from node.models import Account, Deposit, Invoice, Node, Payment, Withdrawal

PAGE = 50
MAX_PAGE = 500


@dataclass(frozen=True)
class Listed:
    """A row of a list before it is shaped: only the rows of one page ever are."""

    id: str
    row: object
    shape: Callable


def account(row: Account) -> objects.Shape:
    def balance(bitcoin_networks=None, node_ids=None):
        return objects.money(sum(one.balance_msats for one in _nodes(row, bitcoin_networks, node_ids)))

    def api_tokens(first=None, after=None):
        tokens = [Listed(one.id, one, objects.api_token) for one in row.tokens.order_by("created_at")]
        return _page("AccountToApiTokensConnection", tokens, first, after)

    def nodes(first=None, after=None, bitcoin_networks=None, node_ids=None):
        found = [Listed(one.id, one, objects.node) for one in _nodes(row, bitcoin_networks, node_ids)]
        return _page("AccountToNodesConnection", found, first, after)

    return {
        "__typename": "Account",
        "id": row.id,
        "created_at": objects.when(row.created_at),
        "updated_at": objects.when(row.created_at),
        "name": row.name,
        "local_balance": balance,
        "remote_balance": lambda **_: objects.money(10**12),
        "blockchain_balance": lambda **_: None,
        "conductivity": lambda **_: None,
        "uptime_percentage": lambda **_: 100,
        "api_tokens": api_tokens,
        "nodes": nodes,
        "channels": lambda **_: objects.empty_connection("AccountToChannelsConnection"),
        "wallets": lambda **_: objects.empty_connection("AccountToWalletsConnection"),
        "payment_requests": lambda **arguments: _payment_requests(row, **arguments),
        "transactions": lambda **arguments: _transactions(row, **arguments),
        "withdrawal_requests": lambda **arguments: _withdrawal_requests(row, **arguments),
    }


def _nodes(row: Account, networks=None, node_ids=None) -> list[Node]:
    nodes = row.nodes.order_by("created_at")
    if networks:
        nodes = nodes.filter(network__in=networks)
    if node_ids:
        nodes = nodes.filter(pk__in=node_ids)
    return list(nodes)


def _page(typename: str, rows: Sequence[Listed], first, after) -> objects.Shape:
    """One page behind the cursor `after`; cursors are entity ids, so new rows do not shift pages."""
    ids = [one.id for one in rows]
    begin = ids.index(after) + 1 if after in ids else 0
    size = min(first or PAGE, MAX_PAGE)
    page = rows[begin : begin + size]
    info = {
        "__typename": "PageInfo",
        "has_next_page": begin + size < len(rows),
        "has_previous_page": begin > 0,
        "start_cursor": page[0].id if page else None,
        "end_cursor": page[-1].id if page else None,
    }
    entities = [one.shape(one.row) for one in page]
    return {"__typename": typename, "count": len(rows), "page_info": info, "entities": entities}


def _moment(text: str) -> datetime:
    """The SDK sends aware or naive ISO times; naive means UTC."""
    moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _within(rows, after_date, before_date):
    if after_date:
        rows = rows.filter(created_at__gte=_moment(after_date))
    if before_date:
        rows = rows.filter(created_at__lt=_moment(before_date))
    return rows


def _one(value) -> list | None:
    return [value] if value else None


def _payment_requests(
    row: Account,
    first=None,
    after=None,
    after_date=None,
    before_date=None,
    bitcoin_network=None,
    lightning_node_id=None,
) -> objects.Shape:
    invoices = Invoice.objects.filter(node__in=_nodes(row, _one(bitcoin_network), _one(lightning_node_id)))
    invoices = (
        _within(invoices, after_date, before_date).select_related("node__account").order_by("-created_at")
    )
    found = [Listed(one.id, one, objects.invoice) for one in invoices]
    return _page("AccountToPaymentRequestsConnection", found, first, after)


def _withdrawal_requests(
    row: Account,
    first=None,
    after=None,
    bitcoin_networks=None,
    statuses=None,
    node_ids=None,
    idempotency_keys=None,
    after_date=None,
    before_date=None,
) -> objects.Shape:
    rows = Withdrawal.objects.filter(node__in=_nodes(row, bitcoin_networks, node_ids))
    if statuses and "SUCCESSFUL" not in statuses:
        rows = rows.none()
    if idempotency_keys:
        rows = rows.filter(idempotency_key__in=idempotency_keys)
    rows = _within(rows, after_date, before_date).order_by("-created_at")
    found = [Listed(f"WithdrawalRequest:{one.id}", one, objects.withdrawal_request) for one in rows]
    return _page("AccountToWithdrawalRequestsConnection", found, first, after)


def _transactions(
    row: Account,
    first=None,
    after=None,
    types=None,
    after_date=None,
    before_date=None,
    bitcoin_network=None,
    lightning_node_id=None,
    statuses=None,
    exclude_failures=None,
) -> objects.Shape:
    """Newest first, as Lightspark lists them. `exclude_failures` drops what failed."""
    nodes = _nodes(row, _one(bitcoin_network), _one(lightning_node_id))
    kinds = _kinds(nodes, set(types or ()))
    keys = []  # (created_at, id, msats) of all, without their rows
    for kind, (rows, _shape) in kinds.items():
        rows = _within(rows, after_date, before_date)
        if rows.model is Payment:
            rows = rows.filter(status__in=statuses) if statuses else rows
            rows = rows.exclude(status=Payment.Status.FAILED) if exclude_failures else rows
        elif statuses and Payment.Status.SUCCESS not in statuses:
            continue
        keys += [
            (at, f"{kind}:{pk}", msats)
            for at, pk, msats in rows.values_list("created_at", "pk", "amount_msats")
        ]
    keys.sort(reverse=True)

    def shape(key: str) -> objects.Shape:
        kind, _colon, pk = key.partition(":")
        rows, shaped = kinds[kind]
        return shaped(rows.get(pk=pk))

    found = [Listed(key, key, shape) for _at, key, _msats in keys]
    return _page("AccountToTransactionsConnection", found, first, after) | {
        "profit_loss": None,
        "average_fee_earned": None,
        "total_amount_transacted": objects.money(sum(msats for _at, _key, msats in keys)),
    }


def _kinds(nodes: list[Node], types: set[str]) -> dict[str, tuple]:
    """The rows behind the wanted transaction types, by what their ids begin with; none means all."""
    payments = Payment.objects.select_related("invoice__node__account", "payer__account", "payee")
    kinds = {
        "INCOMING_PAYMENT": (
            "IncomingPayment",
            payments.filter(payee__in=nodes, arrived=True),
            objects.incoming,
        ),
        "OUTGOING_PAYMENT": ("OutgoingPayment", payments.filter(payer__in=nodes), objects.outgoing),
        "L1_DEPOSIT": ("Deposit", Deposit.objects.filter(node__in=nodes), objects.deposit),
        "L1_WITHDRAW": ("Withdrawal", Withdrawal.objects.filter(node__in=nodes), objects.withdrawal),
    }
    if "PAYMENT" in types:
        types |= {"INCOMING_PAYMENT", "OUTGOING_PAYMENT"}
    wanted = [kind for name, kind in kinds.items() if not types or name in types]
    return {name: (rows, shape) for name, rows, shape in wanted}
