"""Creating nodes, and deposits to and withdrawals from the sandbox."""

import secrets

from django.db import transaction
from django.db.models import F

from node import keys, ledger
from node.models import NETWORKS, Account, ApiToken, Deposit, Node, Withdrawal, new_id

# How a node sends in life: BOLT7's usual fees, a reserve as of BOLT2, and not done when it answers.
LIFE = {"reserve_percent": 1, "fee_base_msats": 1000, "fee_ppm": 2000, "settle_s": 0.4}


@transaction.atomic
def create_node(
    *,
    name: str,
    network: str = "REGTEST",
    balance_msats: int = 0,
    webhook_url: str = "",
    webhook_secret: str = "",
    password: str = "",
    node_id: str = "",
    client_id: str = "",
    client_secret: str = "",
    is_world: bool = False,
    manners: dict[str, float] | None = None,
) -> Node:
    """A node with an account and an API token of its own. What is not given is generated. Raises Refused.

    It sends as nodes do in LIFE unless `manners` say otherwise.
    """
    if network not in NETWORKS:
        raise ledger.Refused(f"network must be one of {', '.join(NETWORKS)}")
    password = password or secrets.token_urlsafe(16)
    made = keys.make_node_keys(password=password)
    account = Account.objects.create(id=new_id("Account"), name=name)
    ApiToken.objects.create(
        id=new_id("ApiToken"),
        account=account,
        name="first",
        client_id=client_id or secrets.token_hex(16),
        client_secret=client_secret or secrets.token_urlsafe(32),
        permissions=[
            f"{'MAINNET' if network == 'MAINNET' else 'REGTEST'}_{act}" for act in ("VIEW", "TRANSACT")
        ],
    )
    node = Node.objects.create(
        id=node_id or new_id("LightsparkNodeWithOSKLND"),
        account=account,
        name=name,
        network=network,
        is_world=is_world,
        password=password,
        webhook_url=webhook_url,
        webhook_secret=webhook_secret or secrets.token_hex(24),
        **(LIFE if manners is None else manners),
        **vars(made),
    )
    if balance_msats:
        fund(node=node, amount_msats=balance_msats)
        node.refresh_from_db()
    return node


def world(*, network: str) -> Node:
    """Everybody else on this network, made when first needed."""
    found = Node.objects.filter(is_world=True, network=network).first()
    name = f"the rest of {network}"
    return found or create_node(name=name, network=network, is_world=True, manners={})


def as_msats(amount_sats) -> int:
    """Sats as they came from outside. Raises Refused for anything but a positive whole number."""
    if isinstance(amount_sats, bool) or not isinstance(amount_sats, int) or amount_sats <= 0:
        raise ledger.Refused("the amount must be a positive number of sats")
    if amount_sats * 1000 > ledger.MAX_MSATS:
        raise ledger.Refused("there are not that many sats")
    return amount_sats * 1000


@transaction.atomic
def fund(*, node: Node, amount_msats: int) -> Deposit:
    """Sats arrive in the node from the pretend chain. Raises Refused."""
    if node.is_world:
        raise ledger.Refused("the world needs no funds")
    ledger.give(world(network=node.network), -amount_msats)
    ledger.give(node, amount_msats)
    return Deposit.objects.create(node=node, amount_msats=amount_msats)


@transaction.atomic
def withdraw(
    *, node: Node, amount_msats: int, bitcoin_address: str, mode: str, idempotency_key: str | None
) -> Withdrawal:
    """Sats leave the node; the same idempotency key gives the first withdrawal again. Raises Refused."""
    earlier = (
        Withdrawal.objects.filter(node=node, idempotency_key=idempotency_key) if idempotency_key else None
    )
    if earlier:
        return earlier.get()
    solvent = Node.objects.filter(pk=node.pk, balance_msats__gte=amount_msats)
    if not solvent.update(balance_msats=F("balance_msats") - amount_msats):
        raise ledger.Refused("insufficient balance")
    ledger.give(world(network=node.network), amount_msats)
    return Withdrawal.objects.create(
        node=node,
        amount_msats=amount_msats,
        bitcoin_address=bitcoin_address,
        mode=mode,
        idempotency_key=idempotency_key,
    )
