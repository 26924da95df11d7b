"""The first thing every process does: read the settings, or end with the sentence that says what is wrong."""

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def read_settings() -> None:
    """The settings are read. Ends the process, exit code 1, with their own sentence when they refuse."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ticketsuma.settings")
    try:
        settings.INSTALLED_APPS  # noqa: B018, the first look reads them all
    except ImproperlyConfigured as refusal:
        sys.exit(str(refusal))
