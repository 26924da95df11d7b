from django.apps import AppConfig


class WalletConfig(AppConfig):
    """The pretend UMA wallet: a VASP with users, on top of one node of the sandbox."""

    name = "wallet"

    def ready(self):
        from node.signals import payment_resolved
        from wallet import purse

        payment_resolved.connect(purse.on_payment_resolved, dispatch_uid="wallet-purse")
