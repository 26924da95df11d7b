"""Work of connected wallets for the worker: what they can do, paying from them, forgetting guests' ones."""

from django.db.models import Q

from ticketsuma.jobs.registry import Queue, registry

from .checking import check_wallet
from .models import ConnectedWallet, Tap
from .services import forget_guests_wallets
from .taps import bring_further

registry.add_queue(
    Queue(
        name="taps",
        priority=45,
        due=lambda now: Tap.objects.filter(status__in=Tap.LIVE).select_related("payment", "wallet"),
        handle=bring_further,
    )
)
registry.add_queue(
    Queue(
        name="connected wallets",
        priority=62,
        due=lambda now: ConnectedWallet.objects.all(),
        handle=check_wallet,
        is_external=True,
        host_of=lambda wallet: wallet.relay,
        at_host=lambda host: Q(relay=host),
    )
)
registry.add_periodic_task(3600, forget_guests_wallets)
