from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self):
        from allauth.account import signals

        from .tokens import end_tokens_of_sender

        for news in (signals.password_changed, signals.password_set, signals.password_reset):
            news.connect(end_tokens_of_sender, dispatch_uid="accounts.end_tokens")
        signals.email_changed.connect(end_tokens_of_sender, dispatch_uid="accounts.end_tokens")
