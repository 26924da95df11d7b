"""allauth's adapter of second factors: encrypted secrets, our QR codes, our name in apps and passkeys."""

from urllib.parse import urlsplit

import structlog
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from ticketsuma import encryption
from ticketsuma.errors import DomainError
from ticketsuma.qr import qr_image

logger = structlog.get_logger(__name__)


class SecretUnreadable(DomainError):
    """Of all SECOND_FACTOR_KEYS none decrypts it; putting the old key back into the list mends it."""

    code = "unavailable"
    message = _("Your second factor cannot be checked right now. Please tell the organizer.")
    status = 503
    retry_after = 300


_PURPOSE = "second factor"


class SecondFactorAdapter(DefaultMFAAdapter):
    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("That is not right. Please try again."),
    }

    def encrypt(self, text: str) -> str:
        return encryption.encrypt(text, _PURPOSE)

    def decrypt(self, encrypted_text: str) -> str:
        """Raises SecretUnreadable."""
        try:
            return encryption.decrypt(encrypted_text, _PURPOSE)
        except encryption.Unreadable:
            logger.error("second_factor_unreadable")
            raise SecretUnreadable from None

    def get_totp_issuer(self) -> str:
        return settings.SITE_NAME

    def build_totp_svg(self, url: str) -> str:
        return qr_image(url)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """The shop's own host, whatever the Host header says."""
        return {"id": urlsplit(settings.SITE_URL).hostname or "", "name": settings.SITE_NAME}

    def generate_authenticator_name(self, user, type) -> str:
        return ""
