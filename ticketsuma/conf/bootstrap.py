"""Start of every process: reads the settings, or ends with a sentence that says what is wrong."""

import os
import sys
from pathlib import Path

import environ
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

VAR = Path(__file__).resolve().parent.parent.parent / "var"


def read_development() -> None:
    """In a checkout where ./run made the settings, a bare shell has them too; what is set already stays.

    Only where nothing says which shop is meant: neither DEBUG nor SECRET_KEY is set.
    """
    if "DEBUG" in os.environ or "SECRET_KEY" in os.environ:
        return
    files = [VAR / "dev.env", VAR / "run.env"]  # the secrets, and where shop and sandbox listen
    if all(file.is_file() for file in files):
        for file in files:
            environ.Env.read_env(file)


def read_settings() -> None:
    """The settings are read. Ends the process, exit code 1, with their own sentence when they refuse."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ticketsuma.settings")
    try:
        settings.INSTALLED_APPS  # noqa: B018, the first look reads them all
    except ImproperlyConfigured as refusal:
        sys.exit(str(refusal))
