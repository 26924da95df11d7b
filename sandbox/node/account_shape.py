"""An account as GraphQL shows it: its nodes, invoices and transactions, page by page."""

from datetime import datetime

from django.utils import timezone

from node import shapes
from node.models import Account, Deposit, Invoice, Node, Payment, Withdrawal

PAGE = 50
MAX_PAGE = 500


def account(row: Account) -> shapes.Shape:
    def balance(bitcoin_networks=None, node_ids=None):
        return shapes.money(sum(one.balance_msats for one in _nodes(row, bitcoin_networks, node_ids)))

    return {
        "__typename": "Account",
        "id": row.id,
        "created_at": shapes.when(row.created_at),
        "updated_at": shapes.when(row.created_at),
        "name": row.name,
        "local_balance": balance,
        "remote_balance": lambda **_: shapes.money(10**12),
        "blockchain_balance": lambda **_: None,
        "conductivity": lambda **_: None,
        "uptime_percentage": lambda **_: 100,
        "api_tokens": lambda first=None, after=None: _page(
            "AccountToApiTokensConnection", [shapes.api_token(one) for one in row.tokens.all()], first, after
        ),
        "nodes": lambda first=None, after=None, bitcoin_networks=None, node_ids=None: _page(
            "AccountToNodesConnection",
            [shapes.node(one) for one in _nodes(row, bitcoin_networks, node_ids)],
            first,
            after,
        ),
        "channels": lambda **_: shapes.empty_connection("AccountToChannelsConnection"),
        "wallets": lambda **_: shapes.empty_connection("AccountToWalletsConnection"),
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


def _page(typename: str, entities: list[shapes.Shape], first, after) -> shapes.Shape:
    """One page behind the cursor `after`; cursors are entity ids, so new rows do not shift pages."""
    ids = [one["id"] for one in entities]
    begin = ids.index(after) + 1 if after in ids else 0
    size = min(first or PAGE, MAX_PAGE)
    page = entities[begin : begin + size]
    info = {
        "__typename": "PageInfo",
        "has_next_page": begin + size < len(entities),
        "has_previous_page": begin > 0,
        "start_cursor": page[0]["id"] if page else None,
        "end_cursor": page[-1]["id"] if page else None,
    }
    return {"__typename": typename, "count": len(entities), "page_info": info, "entities": page}


def _moment(text: str | None) -> datetime | None:
    """The SDK sends aware or naive ISO times; naive means UTC."""
    if not text:
        return None
    moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    return moment if moment.tzinfo else timezone.make_aware(moment, timezone.get_default_timezone())


def _within(rows, after_date, before_date):
    if begin := _moment(after_date):
        rows = rows.filter(created_at__gte=begin)
    if end := _moment(before_date):
        rows = rows.filter(created_at__lt=end)
    return rows


def _payment_requests(
    row: Account,
    first=None,
    after=None,
    after_date=None,
    before_date=None,
    bitcoin_network=None,
    lightning_node_id=None,
) -> shapes.Shape:
    rows = Invoice.objects.filter(node__in=_nodes(row, _listed(bitcoin_network), _listed(lightning_node_id)))
    rows = _within(rows, after_date, before_date).select_related("node__account").order_by("-created_at")
    return _page("AccountToPaymentRequestsConnection", [shapes.invoice(one) for one in rows], first, after)


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
) -> shapes.Shape:
    rows = Withdrawal.objects.filter(node__in=_nodes(row, bitcoin_networks, node_ids))
    if statuses and "SUCCESSFUL" not in statuses:
        rows = rows.none()
    if idempotency_keys:
        rows = rows.filter(idempotency_key__in=idempotency_keys)
    rows = _within(rows, after_date, before_date).order_by("-created_at")
    shaped = [shapes.withdrawal_request(one) for one in rows]
    return _page("AccountToWithdrawalRequestsConnection", shaped, first, after)


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
) -> shapes.Shape:
    """Newest first, as Lightspark lists them. `exclude_failures` drops what failed."""
    nodes = _nodes(row, _listed(bitcoin_network), _listed(lightning_node_id))
    wanted = set(types or ("INCOMING_PAYMENT", "OUTGOING_PAYMENT", "L1_DEPOSIT", "L1_WITHDRAW"))
    if "PAYMENT" in wanted:
        wanted |= {"INCOMING_PAYMENT", "OUTGOING_PAYMENT"}
    payments = Payment.objects.select_related("invoice__node", "payer__account", "payee")
    found: list[tuple[datetime, shapes.Shape]] = []

    def add(rows, shape):
        found.extend((one.created_at, shape(one)) for one in _within(rows, after_date, before_date))

    if "INCOMING_PAYMENT" in wanted:
        add(payments.filter(payee__in=nodes, arrived=True), shapes.incoming)
    if "OUTGOING_PAYMENT" in wanted:
        add(payments.filter(payer__in=nodes), shapes.outgoing)
    if "L1_DEPOSIT" in wanted:
        add(Deposit.objects.filter(node__in=nodes), shapes.deposit)
    if "L1_WITHDRAW" in wanted:
        add(Withdrawal.objects.filter(node__in=nodes), shapes.withdrawal)
    found.sort(key=lambda pair: pair[0], reverse=True)
    entities = [
        shape
        for _, shape in found
        if (not statuses or shape["status"] in statuses)
        and not (exclude_failures and shape["status"] == "FAILED")
    ]
    total = sum(shape["amount"]["original_value"] for shape in entities)
    return _page("AccountToTransactionsConnection", entities, first, after) | {
        "profit_loss": None,
        "average_fee_earned": None,
        "total_amount_transacted": shapes.money(total),
    }


def _listed(value) -> list | None:
    return [value] if value else None
