"""Validation of stream addresses."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core.validators import URLValidator
from django.utils.deconstruct import deconstructible


@deconstructible
class StreamAddressValidator(URLValidator):
    """https; plain http only where UMA_LOCAL_VASPS names the sandbox. Raises ValidationError."""

    def __init__(self, **options):
        super().__init__(schemes=["https"], **options)

    def __call__(self, value: str) -> None:
        parts = urlsplit(value)
        if parts.scheme != "http" or parts.netloc.lower() not in settings.UMA_LOCAL_VASPS:
            super().__call__(value)
