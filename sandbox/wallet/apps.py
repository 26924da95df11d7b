from django.apps import AppConfig


class WalletConfig(AppConfig):
    """The pretend UMA wallet: a VASP with users, on top of one node of the sandbox."""

    name = "wallet"

    def ready(self):
        from node.signals import payment_resolved
        from wallet import balances

        payment_resolved.connect(balances.on_payment_resolved, dispatch_uid="wallet-purse")
