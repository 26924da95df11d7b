"""Settings of the sandbox: a pretend Lightspark node and a pretend UMA wallet, for development and tests.

Play money only. There is no sign-in and no session, and no cookie is set, so that nothing collides with the
shop's cookies on the same host name.
"""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent

SANDBOX_PORT = int(os.environ.get("SANDBOX_PORT", "8081"))
SANDBOX_DOMAIN = os.environ.get("SANDBOX_DOMAIN", f"localhost:{SANDBOX_PORT}").lower()
SANDBOX_DATABASE = Path(
    os.environ.get("SANDBOX_DATABASE", BASE_DIR.parent / "var" / "sandbox.sqlite3")
).absolute()
# host:port of VASPs that may be fetched over plain http; everybody else must speak https.
SANDBOX_LOCAL_VASPS = {
    name.strip().lower()
    for name in os.environ.get("SANDBOX_LOCAL_VASPS", "localhost:8080").split(",")
    if name.strip()
} | {SANDBOX_DOMAIN}
SANDBOX_URL = f"http://{SANDBOX_DOMAIN}"
SANDBOX_HOST = os.environ.get("SANDBOX_HOST", "127.0.0.1")
# host:port of the relay by which shops ask the wallet to pay (`manage.py relay`).
SANDBOX_RELAY = os.environ.get("SANDBOX_RELAY", "localhost:8082").lower()

# What describes the shop's node; the shop reads the same variables.
LIGHTSPARK_API_TOKEN_CLIENT_ID = os.environ.get("LIGHTSPARK_API_TOKEN_CLIENT_ID", "")
LIGHTSPARK_API_TOKEN_CLIENT_SECRET = os.environ.get("LIGHTSPARK_API_TOKEN_CLIENT_SECRET", "")
LIGHTSPARK_NODE_ID = os.environ.get("LIGHTSPARK_NODE_ID", "")
LIGHTSPARK_NODE_PASSWORD = os.environ.get("LIGHTSPARK_NODE_PASSWORD", "")
LIGHTSPARK_WEBHOOK_SIGNING_KEY = os.environ.get("LIGHTSPARK_WEBHOOK_SIGNING_KEY", "")
LIGHTSPARK_NETWORK = os.environ.get("LIGHTSPARK_NETWORK", "REGTEST").upper()
# The operator's float of the shop's node: sats at the beginning, and percent of what arrives since.
SANDBOX_FLOAT_SATS = int(os.environ.get("SANDBOX_FLOAT_SATS", "1000"))
SANDBOX_FLOAT_PERCENT = int(os.environ.get("SANDBOX_FLOAT_PERCENT", "5"))
SANDBOX_WEBHOOK_URL = os.environ.get("SANDBOX_WEBHOOK_URL", "http://localhost:8080/api/webhooks/payment")

# Where the shop writes its mails as files (Django's file backend); the page /mails shows them.
SANDBOX_MAIL_FOLDER = os.environ.get("SANDBOX_MAIL_FOLDER", "")

SECRET_KEY = os.environ.get("SANDBOX_SECRET_KEY", "play-money-only-nothing-is-signed-with-this")
DEBUG = False
ALLOWED_HOSTS = ["*"]

INSTALLED_APPS = ["django.contrib.staticfiles", "node", "wallet", "rates"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "whitenoise.middleware.WhiteNoiseMiddleware"]
ROOT_URLCONF = "urls"
WSGI_APPLICATION = "wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
APPEND_SLASH = False
SECURE_REFERRER_POLICY = "same-origin"

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": SANDBOX_DATABASE,
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
USE_THOUSAND_SEPARATOR = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "INFO").upper()},
    "loggers": {"urllib3": {"level": "WARNING"}},
}
