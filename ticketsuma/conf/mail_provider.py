"""Mail providers (django-anymail), each optional: their settings, read from the environment."""

from dataclasses import dataclass
from typing import Any

from .env import Environment

TIMEOUT_SECONDS = 10
LEAST_OF_SECRET = 24


@dataclass(frozen=True)
class Provider:
    """Names in Anymail's settings: the key of its API, that of its signatures ("" without), and its view."""

    key: str
    signing_key: str
    webhook_view: str
    must_sign: bool = False


PROVIDERS = {
    "brevo": Provider("BREVO_API_KEY", "", "BrevoTrackingWebhookView"),
    "mailgun": Provider(
        "MAILGUN_API_KEY", "MAILGUN_WEBHOOK_SIGNING_KEY", "MailgunTrackingWebhookView", must_sign=True
    ),
    "postmark": Provider("POSTMARK_SERVER_TOKEN", "", "PostmarkTrackingWebhookView"),
    "sendgrid": Provider(
        "SENDGRID_API_KEY", "SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY", "SendGridTrackingWebhookView"
    ),
}


def anymail_settings(
    env: Environment, name: str, token: str, url: str, secret: str, signing_key: str
) -> dict[str, Any]:
    """Anymail's settings for the provider `name`, none without one; `env` notes what is wrong with them."""
    if not name:
        return {}
    provider = PROVIDERS.get(name)
    if provider is None:
        env.problems.append(f"MAIL_PROVIDER is none of {', '.join(PROVIDERS)}")
        return {}
    env.demand("MAIL_WEBHOOK_SECRET", secret, LEAST_OF_SECRET)
    if provider.must_sign:
        env.demand("MAIL_WEBHOOK_SIGNING_KEY", signing_key)
    keys = {provider.key: token, provider.signing_key: signing_key, f"{name.upper()}_API_URL": url}
    return {name: value for name, value in keys.items() if name and value} | {
        "WEBHOOK_SECRET": f"mail:{secret}",
        "REQUESTS_TIMEOUT": TIMEOUT_SECONDS,
        # APIs know no calendar entry beside text and HTML; it is attached as a file, too.
        "IGNORE_UNSUPPORTED_FEATURES": True,
    }
