from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People")

    def ready(self):
        from allauth.account import signals
        from django.contrib.auth.signals import user_logged_in

        from .authentication import end_tokens_of_sender
        from .devices import on_signed_in

        for news in (signals.password_changed, signals.password_set, signals.password_reset):
            news.connect(end_tokens_of_sender, dispatch_uid="accounts.end_tokens")
        user_logged_in.connect(on_signed_in, dispatch_uid="accounts.on_signed_in")
        signals.email_changed.connect(end_tokens_of_sender, dispatch_uid="accounts.end_tokens")
