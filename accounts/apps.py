from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Users")

    def ready(self):
        from allauth.account import signals
        from allauth.mfa import signals as factor_signals
        from django.contrib.auth.signals import user_logged_in

        from . import receivers

        for signal in (
            signals.password_changed,
            signals.password_set,
            signals.password_reset,
            signals.email_changed,
        ):
            signal.connect(receivers.on_credentials_changed, dispatch_uid="accounts.end_tokens")
        for signal in (signals.password_changed, signals.password_set, signals.password_reset):
            signal.connect(receivers.on_password_changed, dispatch_uid="accounts.on_password_changed")
        factor_signals.authenticator_added.connect(
            receivers.on_factor_added, dispatch_uid="accounts.on_factor_added"
        )
        factor_signals.authenticator_removed.connect(
            receivers.on_factor_removed, dispatch_uid="accounts.on_factor_removed"
        )
        user_logged_in.connect(receivers.on_signed_in, dispatch_uid="accounts.on_signed_in")
