"""Make the sandbox ready to be served; running it again changes nothing that is right already."""

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from node import keys, nodes
from node.models import ApiToken, Node
from wallet.users import ensure_user, ensure_vasp

PEOPLE = {"alice": 1_000_000, "bob": 500_000, "carol": 250_000}


class Command(BaseCommand):
    help = "Migrate, make keys, the shop's node from LIGHTSPARK_*, and the wallet users alice, bob and carol."

    def handle(self, *args, **options):
        settings.SANDBOX_DATABASE.parent.mkdir(parents=True, exist_ok=True)
        call_command("migrate", verbosity=0)
        nodes.world(network=settings.LIGHTSPARK_NETWORK)
        if settings.LIGHTSPARK_NODE_ID and settings.LIGHTSPARK_API_TOKEN_CLIENT_ID:
            prepare_shop_node()
        else:
            self.stderr.write(
                "LIGHTSPARK_NODE_ID or LIGHTSPARK_API_TOKEN_CLIENT_ID is not set: no node for a shop."
            )
        ensure_vasp(network=settings.LIGHTSPARK_NETWORK)
        for name, balance_sats in PEOPLE.items():
            ensure_user(name=name, balance_sats=balance_sats)
        self.stdout.write(f"The sandbox is ready: {settings.SANDBOX_URL}")


def prepare_shop_node() -> Node:
    """The node that LIGHTSPARK_* describes, with exactly these credentials."""
    node = Node.objects.filter(pk=settings.LIGHTSPARK_NODE_ID).first()
    if node is None:
        node = nodes.create_node(
            name="shop",
            node_id=settings.LIGHTSPARK_NODE_ID,
            network=settings.LIGHTSPARK_NETWORK,
            password=settings.LIGHTSPARK_NODE_PASSWORD,
            client_id=settings.LIGHTSPARK_API_TOKEN_CLIENT_ID,
            client_secret=settings.LIGHTSPARK_API_TOKEN_CLIENT_SECRET,
            balance_msats=settings.SANDBOX_FLOAT_SATS * 1000,
            manners=nodes.LIFE | {"float_percent": settings.SANDBOX_FLOAT_PERCENT},
        )
    node.webhook_url = settings.SANDBOX_WEBHOOK_URL
    node.webhook_secret = settings.LIGHTSPARK_WEBHOOK_SIGNING_KEY or node.webhook_secret
    if settings.LIGHTSPARK_NODE_PASSWORD and node.password != settings.LIGHTSPARK_NODE_PASSWORD:
        made = keys.make_node_keys(password=settings.LIGHTSPARK_NODE_PASSWORD)
        node.password = settings.LIGHTSPARK_NODE_PASSWORD
        node.signing_public_key, node.encrypted_signing_key = (
            made.signing_public_key,
            made.encrypted_signing_key,
        )
    node.save()
    ApiToken.objects.update_or_create(
        client_id=settings.LIGHTSPARK_API_TOKEN_CLIENT_ID,
        defaults={
            "account": node.account,
            "client_secret": settings.LIGHTSPARK_API_TOKEN_CLIENT_SECRET,
        },
        create_defaults={
            "id": f"ApiToken:{settings.LIGHTSPARK_API_TOKEN_CLIENT_ID}",
            "account": node.account,
            "name": "shop",
            "client_secret": settings.LIGHTSPARK_API_TOKEN_CLIENT_SECRET,
        },
    )
    return node
