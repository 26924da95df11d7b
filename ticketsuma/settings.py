"""Settings, top to bottom. Those that an operator may set are in docs/operations.md."""

import logging
from datetime import timedelta
from email.utils import formataddr
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from django.utils.translation import gettext_lazy as _

from ticketsuma.api.schema_settings import SPECTACULAR_SETTINGS  # noqa: F401, drf-spectacular reads it
from ticketsuma.conf.env import Environment, development_problems, key_problems, readable, refuse
from ticketsuma.conf.env import sender_problems as from_problems
from ticketsuma.conf.mail_provider import anymail_settings
from ticketsuma.conf.mfa_settings import *  # noqa: F403, all of them are allauth's

env = Environment()
BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.str("VAR_DIR", str(BASE_DIR / "var")))

DEVELOPMENT = env.bool("DEBUG", False)
# Django's own DEBUG replaces the shop's error pages by tracebacks: by wish only, also in development.
DEBUG = DEVELOPMENT and env.bool("TRACEBACKS", False)

# -- who we are -------------------------------------------------------------------------------
PORT = env.int("PORT", 8080)
METRICS_PORT = env.int("METRICS_PORT", 0)  # 0: closed
HOST = env.str("HOST", "127.0.0.1" if DEVELOPMENT else "0.0.0.0")  # noqa: S104, the image serves others
SITE_URL = env.str("SITE_URL", f"http://localhost:{PORT}").rstrip("/")
SITE_HOST = urlsplit(SITE_URL).netloc
SITE_NAME = env.str("SITE_NAME", "Tickets by UMA")
LEGAL = {
    "terms": env.legal_text("TERMS"),
    "privacy": env.legal_text("PRIVACY"),
    "imprint": env.legal_text("IMPRINT"),
}
UMA_DOMAIN = env.str("UMA_DOMAIN", SITE_HOST).lower()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[urlsplit(SITE_URL).hostname or "localhost"])
if DEVELOPMENT:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1"]
SECRET_KEY = env.secret("SECRET_KEY", 50)
JWT_SECRET = env.secret("JWT_SECRET", 32)
# Encrypt the secrets of second factors: the first one does, each of them decrypts.
SECOND_FACTOR_KEYS = env.list("SECOND_FACTOR_KEYS", default=[])
if DEVELOPMENT and not SECOND_FACTOR_KEYS:
    SECOND_FACTOR_KEYS = [SECRET_KEY]  # a var/dev.env from before there was one
for _key in SECOND_FACTOR_KEYS or [""]:
    env.demand("SECOND_FACTOR_KEYS", _key, 32)
# Whether staff must have a second factor, or may; who has one uses it in any case.
STAFF_SECOND_FACTOR = env.str("STAFF_SECOND_FACTOR", "optional" if DEVELOPMENT else "required")
if STAFF_SECOND_FACTOR not in ("required", "optional"):
    env.problems.append("STAFF_SECOND_FACTOR is neither required nor optional")
# Staff's refunds above that many sats take a second person; 0: none do.
REFUND_NEEDS_TWO_SATS = env.int("REFUND_NEEDS_TWO_SATS", 0)
ADMIN_EMAILS = env.addresses("ADMIN_EMAILS")
if "*" in ALLOWED_HOSTS and not DEVELOPMENT:
    env.problems.append("ALLOWED_HOSTS may not be * outside development")
if not DEVELOPMENT and JWT_SECRET and JWT_SECRET == SECRET_KEY:
    env.problems.append("JWT_SECRET must not be the same as SECRET_KEY")
if SITE_HOST.lower() != UMA_DOMAIN:
    env.problems.append(f"UMA_DOMAIN ({UMA_DOMAIN}) must be the host of SITE_URL ({SITE_HOST})")
if not DEVELOPMENT and not env.bool("ALLOW_TEST_NETWORK", False) and not SITE_URL.startswith("https://"):
    env.problems.append("SITE_URL must begin with https://")
# -- Lightning and UMA ------------------------------------------------------------------------
LIGHTSPARK_BASE_URL = env.str("LIGHTSPARK_BASE_URL", "")  # empty: Lightspark's own address
_token_id, _colon, _token_secret = env.str("LIGHTSPARK_API_TOKEN", "").partition(":")
LIGHTSPARK_API_TOKEN_CLIENT_ID = env.str("LIGHTSPARK_API_TOKEN_CLIENT_ID", _token_id)
LIGHTSPARK_API_TOKEN_CLIENT_SECRET = env.str("LIGHTSPARK_API_TOKEN_CLIENT_SECRET", _token_secret)
LIGHTSPARK_NODE_ID = env.str("LIGHTSPARK_NODE_ID", "")
LIGHTSPARK_NODE_PASSWORD = env.str("LIGHTSPARK_NODE_PASSWORD", "")
# Several keys, comma separated, while one is being replaced: each of them verifies.
LIGHTSPARK_WEBHOOK_SIGNING_KEYS = env.list("LIGHTSPARK_WEBHOOK_SIGNING_KEY", default=[])
LIGHTSPARK_NETWORK = env.str("LIGHTSPARK_NETWORK", "REGTEST" if DEVELOPMENT else "MAINNET").upper()
UMA_SIGNING_PRIVATE_KEY = env.str("UMA_SIGNING_PRIVATE_KEY", "")
UMA_SIGNING_CERT_CHAIN = env.pem("UMA_SIGNING_CERT_CHAIN")
# While the signing key is being replaced: the next one, and when everybody begins to use it.
UMA_SIGNING_NEXT_PRIVATE_KEY = env.str("UMA_SIGNING_NEXT_PRIVATE_KEY", "")
UMA_SIGNING_NEXT_CERT_CHAIN = env.pem("UMA_SIGNING_NEXT_CERT_CHAIN")
UMA_SIGNING_NEXT_FROM = env.moment("UMA_SIGNING_NEXT_FROM")
if UMA_SIGNING_NEXT_PRIVATE_KEY or UMA_SIGNING_NEXT_CERT_CHAIN or UMA_SIGNING_NEXT_FROM:
    env.problems += key_problems(
        "UMA_SIGNING_NEXT", UMA_SIGNING_NEXT_PRIVATE_KEY, UMA_SIGNING_NEXT_CERT_CHAIN
    )
    if UMA_SIGNING_NEXT_FROM is None:
        env.problems.append("UMA_SIGNING_NEXT_FROM is missing")
UMA_ENCRYPTION_PRIVATE_KEY = env.str("UMA_ENCRYPTION_PRIVATE_KEY", "")
UMA_ENCRYPTION_CERT_CHAIN = env.pem("UMA_ENCRYPTION_CERT_CHAIN")
# Whether what wallets tell about a payer for the travel rule is kept, once it is decrypted.
UMA_KEEP_TRAVEL_RULE = env.bool("UMA_KEEP_TRAVEL_RULE", False)
UMA_CONFIGURATION_SECONDS = env.int("UMA_CONFIGURATION_SECONDS", 300)
UMA_LOCAL_VASPS = frozenset(v.lower() for v in env.list("UMA_LOCAL_VASPS", default=[]))
# Where rates of bitcoin come from, read by payments.rates.sources; asked while something is priced in money.
RATE_SOURCES = env.list("RATE_SOURCES", default=["coinbase", "kraken", "bitstamp"])
ALLOW_TEST_NETWORK = env.bool("ALLOW_TEST_NETWORK", DEVELOPMENT)
if not DEVELOPMENT:
    for _name in ("LIGHTSPARK_API_TOKEN_CLIENT_ID", "LIGHTSPARK_NODE_ID", "LIGHTSPARK_NODE_PASSWORD"):
        env.demand(_name, globals()[_name])
    env.demand("LIGHTSPARK_API_TOKEN_CLIENT_SECRET", LIGHTSPARK_API_TOKEN_CLIENT_SECRET, 16)
    for _key in LIGHTSPARK_WEBHOOK_SIGNING_KEYS or [""]:
        env.demand("LIGHTSPARK_WEBHOOK_SIGNING_KEY", _key, 32)
    env.problems += key_problems("UMA_SIGNING", UMA_SIGNING_PRIVATE_KEY, UMA_SIGNING_CERT_CHAIN)
    env.problems += key_problems("UMA_ENCRYPTION", UMA_ENCRYPTION_PRIVATE_KEY, UMA_ENCRYPTION_CERT_CHAIN)
if DEVELOPMENT:
    env.problems += development_problems(SITE_URL, LIGHTSPARK_NETWORK)
if LIGHTSPARK_NETWORK == "MAINNET" and LIGHTSPARK_BASE_URL.lower().startswith("http://"):
    env.problems.append("LIGHTSPARK_BASE_URL must begin with https:// on MAINNET")
if LIGHTSPARK_NETWORK != "MAINNET" and not ALLOW_TEST_NETWORK:
    env.problems.append(f"LIGHTSPARK_NETWORK is {LIGHTSPARK_NETWORK}, and ALLOW_TEST_NETWORK is not set")
if UMA_LOCAL_VASPS and not ALLOW_TEST_NETWORK:
    env.problems.append("UMA_LOCAL_VASPS opens local addresses; set ALLOW_TEST_NETWORK=1 if that is meant")

# -- the shop's own rules ---------------------------------------------------------------------
HOLD_SECONDS = env.int("HOLD_SECONDS", 900)
QUOTE_TOLERANCE_PERCENT = env.float("QUOTE_TOLERANCE_PERCENT", 1.0)  # see payments/quotes.py
# An unknown answer of the node keeps the seats held at most this long after the hold ran out.
HOLD_UNKNOWN_SECONDS = env.int("HOLD_UNKNOWN_SECONDS", 1800)
# Names, addresses and mails of buyers go so many days after their event; 0 keeps them.
PERSONAL_DATA_DAYS = env.int("PERSONAL_DATA_DAYS", 365)
if PERSONAL_DATA_DAYS < 0:
    env.problems.append("PERSONAL_DATA_DAYS must be 0 or more")
# Whom a receipt was made out to goes at the end of so many years after its own; 0 keeps it.
RECEIPT_YEARS = env.int("RECEIPT_YEARS", 10)
if RECEIPT_YEARS < 0:
    env.problems.append("RECEIPT_YEARS must be 0 or more")
DUST_SATS, STREAM_OPENS_MINUTES = 10, 15
NODE_FLOAT_SATS = env.int("NODE_FLOAT_SATS", None)  # the operator's own sats on the node, for the audit
# The node: to connect; for an ordinary call; for a page of its list; to pay, which waits for the route.
NODE_CONNECT_SECONDS = env.float("NODE_CONNECT_SECONDS", 1.0)
NODE_TIMEOUT_SECONDS = env.float("NODE_TIMEOUT_SECONDS", 3.0)
NODE_LIST_SECONDS = env.float("NODE_LIST_SECONDS", 10.0)
NODE_PAY_SECONDS = env.float("NODE_PAY_SECONDS", 20.0)
WEB_THREADS = env.int("WEB_THREADS", 320)
# An open stream holds a thread: what is left serves everything else.
LIVE_STREAMS_PER_PROCESS = env.int("LIVE_STREAMS_PER_PROCESS", min(256, WEB_THREADS * 4 // 5))
if not 0 <= LIVE_STREAMS_PER_PROCESS < WEB_THREADS:
    env.problems.append(
        f"LIVE_STREAMS_PER_PROCESS ({LIVE_STREAMS_PER_PROCESS}) must be below WEB_THREADS ({WEB_THREADS})"
    )
# Of those: of one order, whoever looks at it (a browser has four, of all its tabs), and of one network.
LIVE_STREAMS_PER_PAGE = env.int("LIVE_STREAMS_PER_PAGE", 8)
_of_network = LIVE_STREAMS_PER_PROCESS if DEVELOPMENT else max(8, LIVE_STREAMS_PER_PROCESS // 4)
LIVE_STREAMS_PER_NETWORK = env.int("LIVE_STREAMS_PER_NETWORK", _of_network)
# Hoarding: unpaid orders of one e-mail address and at one UMA address; seats of one person per event.
MAX_OPEN_ORDERS_PER_EMAIL = env.int("MAX_OPEN_ORDERS_PER_EMAIL", 10_000 if DEVELOPMENT else 5)
MAX_OPEN_ORDERS_PER_ADDRESS = env.int("MAX_OPEN_ORDERS_PER_ADDRESS", 10_000 if DEVELOPMENT else 5)
MAX_HELD_SEATS_PER_PERSON = env.int("MAX_HELD_SEATS_PER_PERSON", 10_000 if DEVELOPMENT else 10)
# Of one network and event: unpaid seats, and free ones of an hour; accounts with a proven mailbox apart.
MAX_HELD_PERCENT_PER_NETWORK = env.int("MAX_HELD_PERCENT_PER_NETWORK", 100 if DEVELOPMENT else 20)
MAX_FREE_PERCENT_PER_NETWORK = env.int("MAX_FREE_PERCENT_PER_NETWORK", 100 if DEVELOPMENT else 20)
# Free seats of a mailbox that no account has proven wait for the link that is mailed there.
FREE_SEATS_WAIT_FOR_MAIL = env.bool("FREE_SEATS_WAIT_FOR_MAIL", False)
# How often within how many seconds; LIMIT_<NAME> changes how often. Wide in development.
LIMITS = {
    name: (env.int(f"LIMIT_{name}", most * (1000 if DEVELOPMENT else 1)), seconds)
    for name, most, seconds in (
        ("LOGIN_PER_IP", 100, 900),
        ("LOGIN_PER_EMAIL_AND_IP", 5, 900),
        ("LOGIN_PER_EMAIL", 20, 3600),
        ("SIGN_UP_PER_IP", 20, 3600),
        ("MAIL_PER_EMAIL", 5, 3600),
        ("MAIL_PER_EMAIL_FROM_ALL", 30, 3600),
        ("MAIL_PER_IP", 20, 3600),
        ("CODE_PER_ACCOUNT", 20, 24 * 3600),
        ("BAD_TOKEN_PER_IP", 50, 900),
        ("PURCHASE_PER_IP", 30, HOLD_SECONDS),
        ("ADDRESS_PER_ORDER", 5, HOLD_SECONDS),
        ("REQUEST_PER_IP_AND_DOMAIN", 20, HOLD_SECONDS),
        ("UNKNOWN_CODE_PER_IP", 20, 60),
        ("PROMO_CODE_PER_IP", 20, 60),
        ("CLAIM_PER_IP", 10, 900),
        ("WALLET_LINKS_PER_IP", 20, 900),
        ("PUSH_PER_DEVICE", 20, 3600),
        ("CHECK_PER_ORDER", 6, 60),
        ("CORRECTION_PER_ORDER", 5, 24 * 3600),
        ("COSTLY_PER_IP", 120, 60),
        ("DOOR_LIST_PER_USER", 60, 600),
        ("DOOR_MERGE_PER_USER", 120, 600),
        ("MESSAGES_PER_EVENT", 5, 24 * 3600),
        ("TEST_MESSAGES_PER_PERSON", 20, 3600),
        # All customers of a wallet come from its one address: two requests for each of 3,000 a minute.
        ("WALLET_PER_IP", 6000, 60),
    )
}
# Counted at nearly every request: with CACHE_URL there, and not in rows that are flushed to the disk. What
# guards accounts stays in the table, which forgets nothing.
LIMITS_IN_CACHE = {
    "PURCHASE_PER_IP", "REQUEST_PER_IP_AND_DOMAIN", "WALLET_PER_IP", "COSTLY_PER_IP", "BAD_TOKEN_PER_IP",
    "UNKNOWN_CODE_PER_IP", "CHECK_PER_ORDER", "CLAIM_PER_IP",
}  # fmt: skip
# -- Django -----------------------------------------------------------------------------------
INSTALLED_APPS = [
    "ticketsuma",
    "ticketsuma.live",
    "accounts",
    "events",
    "payments",
    "payments.rates",
    "payments.nwc",
    "tickets",
    "tickets.push",
    "tickets.offline_door",
    "tickets.guest_messages",
    "tickets.notes",
    "tickets.reports",
    "tickets.receipts",
    "tickets.mail_health",
    "tickets.scheduled_exports",
    "ticketsuma.admin.apps.ShopAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.sitemaps",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "tickets.metrics.middleware.MetricsMiddleware",
    "ticketsuma.web.middleware.RequestIdMiddleware",
    "ticketsuma.web.middleware.ProbeMiddleware",
    "ticketsuma.web.middleware.HeadersMiddleware",
    "ticketsuma.web.middleware.ApiMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "ticketsuma.web.middleware.ContentPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "ticketsuma.web.middleware.StrangersFormMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "ticketsuma.web.middleware.BodyMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.DeviceMiddleware",
    "tickets.middleware.BrowserOrdersMiddleware",
    "tickets.pocket.middleware.SignedInMiddleware",
    "accounts.middleware.RateLimitMiddleware",
    "accounts.middleware.ActorMiddleware",
    "ticketsuma.web.middleware.AwayMiddleware",
]
ROOT_URLCONF = "ticketsuma.urls"
WSGI_APPLICATION = "ticketsuma.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": ["ticketsuma.web.template_loader.Loader"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "ticketsuma.web.context_processors.site",
            ],
        },
    }
]
FORM_RENDERER = "ticketsuma.web.form_renderer.PlainInputs"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- database and cache -----------------------------------------------------------------------
if env.str("DB_PASSWORD", "") and not env.str("DATABASE_URL", ""):
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": env.str("DB_NAME", "ticketsuma"),
            "USER": env.str("DB_USER", "ticketsuma"),
            "PASSWORD": env.str("DB_PASSWORD"),
            "HOST": env.str("DB_HOST", "localhost"),
            "PORT": env.str("DB_PORT", "5432"),
        }
    }
else:
    _database_url = env.str("DATABASE_URL", "") or f"sqlite:///{VAR_DIR / 'shop.sqlite3'}"
    DATABASES = {"default": readable("DATABASE_URL", lambda: env.db_url_config(_database_url))}
    if not str(DATABASES["default"].get("ENGINE")).endswith(("postgresql", "sqlite3")):
        refuse(["DATABASE_URL must begin with postgres:// or sqlite:///"])
DB_PREPARED_STATEMENTS = env.bool("DB_PREPARED_STATEMENTS", False)
_db = DATABASES["default"]
_db.setdefault("OPTIONS", {})
if _db["ENGINE"].endswith("postgresql"):
    # Nothing that PgBouncer refuses or loses: time limits are the role's (ticketsuma.time_limits), nothing is
    # prepared unless it is said, and no cursor outlives its transaction.
    _db["DISABLE_SERVER_SIDE_CURSORS"] = True
    _db["OPTIONS"]["prepare_threshold"] = 3 if DB_PREPARED_STATEMENTS else None
    # After an outage the pool connects again within reconnect_timeout, not after minutes of doubled waits.
    _db["OPTIONS"]["pool"] = {
        "min_size": 2, "max_size": env.int("DB_POOL_SIZE", 16), "timeout": 5, "reconnect_timeout": 2,
    }  # fmt: skip
    _db["CONN_HEALTH_CHECKS"] = True
else:
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    _db["OPTIONS"] |= {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # FULL: a webhook we answered 200 must survive a power cut.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
    _db["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
# LISTEN needs PostgreSQL itself: behind a pooler of transactions nobody is told anything.
DATABASE_DIRECT_URL = env.str("DATABASE_DIRECT_URL", "")
# Nor may anything be prepared there: another client's statement may have its name.
if DB_PREPARED_STATEMENTS and DATABASE_DIRECT_URL:
    env.problems.append("DB_PREPARED_STATEMENTS must be 0 where DATABASE_DIRECT_URL goes past a pooler")
if DATABASE_DIRECT_URL and not DATABASE_DIRECT_URL.startswith(("postgres://", "postgresql://")):
    env.problems.append("DATABASE_DIRECT_URL must begin with postgres://")
# Reports may be read here, some seconds old. It answers nothing that a sale depends on.
if _replica := env.str("DATABASE_REPLICA_URL", ""):
    DATABASES["replica"] = _db | readable("DATABASE_REPLICA_URL", lambda: env.db_url_config(_replica))
    DATABASES["replica"] |= {"OPTIONS": _db["OPTIONS"], "TEST": {"MIRROR": "default"}}
    if not all(str(one["ENGINE"]).endswith("postgresql") for one in DATABASES.values()):
        env.problems.append("DATABASE_REPLICA_URL is for PostgreSQL")
# Where each Pushpin takes news, with the key by which it signs what it passes on: http://pushpin:5561?key=…
GRIP_URL = env.list("GRIP_URL", default=[])
for _url in GRIP_URL:
    env.demand("GRIP_URL", parse_qs(urlsplit(_url).query).get("key", [""])[0], 32)  # its key
# Per process: it holds nothing but other wallets' public keys and lengths of lists.
COUNTERS_URL = ""  # of LIMITS_IN_CACHE; empty: their table
_cache = readable("CACHE_URL", lambda: env.cache_url("CACHE_URL", "locmemcache://shop"))
if _cache["BACKEND"].endswith(".RedisCache"):
    COUNTERS_URL = _cache["LOCATION"]
    _cache["BACKEND"] = "ticketsuma.web.cache.RedisOrNothing"  # one that is away is an empty one
    _cache["OPTIONS"] = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5} | _cache.get("OPTIONS", {})
# Pages of strangers are the process's own: looked up over a network they would cost what they save.
_pages = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "pages"}
CACHES = {"default": _cache, "pages": _pages}

# -- people -----------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "accounts.hashers.BoundedArgon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
     "OPTIONS": {"user_attributes": ("email", "name")}},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]  # fmt: skip
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/me"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "accounts.forms.SignInForm",
    "signup": "accounts.forms.SignUpForm",
    "request_login_code": "accounts.forms.SignInCodeForm",
    "confirm_login_code": "accounts.forms.SignInByCodeForm",
    "confirm_email_verification_code": "accounts.forms.VerifyEmailForm",
    "add_email": "accounts.forms.NewEmailForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "reset_password": "accounts.forms.ResetForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordForm",
    "reauthenticate": "accounts.forms.PasswordAgainForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_CHANGE_EMAIL = True  # the old address stays until the new one is verified
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # a new address, and leaving, take the password once more
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
ACCOUNT_EMAIL_NOTIFICATIONS = True
# allauth would count in the cache, for each process alone; accounts.rate_limits counts for all together.
ACCOUNT_RATE_LIMITS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = urlsplit(SITE_URL).scheme
PASSWORD_RESET_TIMEOUT = 3600

# -- API --------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["ticketsuma.api.parsers.StrictJSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_PAGINATION_CLASS": "ticketsuma.api.pagination.ApiPagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "ticketsuma.api.exceptions.answer_exception",
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(hours=24),
    "ALGORITHM": "HS256",
    "SIGNING_KEY": JWT_SECRET,
    "AUDIENCE": f"{SITE_URL}/api",
    "ISSUER": SITE_URL,
}
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/(api/.*|orders/[^/]+/live)$"
CORS_ALLOW_HEADERS = [
    "authorization", "content-type", "idempotency-key", "if-none-match", "order-token", "ticket-token",
]  # fmt: skip
CORS_EXPOSE_HEADERS = ["etag", "idempotent-replayed", "retry-after", "x-request-id"]

# -- walls ------------------------------------------------------------------------------------
_OWN, _NONE = ["'self'"], ["'none'"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": _NONE, "base-uri": _NONE, "object-src": _NONE, "frame-ancestors": _NONE,
        "script-src": _OWN, "style-src": _OWN, "font-src": _OWN, "connect-src": _OWN, "manifest-src": _OWN,
        "form-action": _OWN, "img-src": ["'self'", "data:"],
    }
}  # fmt: skip
_https = SITE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_NAME = "__Host-sessionid" if _https else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if _https else "csrftoken"
CSRF_COOKIE_HTTPONLY = True
DEVICE_COOKIE_NAME = "__Host-device" if _https else "device"
ORDERS_COOKIE_NAME = "__Host-orders" if _https else "orders"
CSRF_TRUSTED_ORIGINS = [SITE_URL]
SECURE_SSL_REDIRECT = _https and env.bool("SECURE_SSL_REDIRECT", True)
SECURE_REDIRECT_EXEMPT = [r"^health(/live)?$"]  # probes speak plain http
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", 31_536_000) if _https else 0
# Both speak for the whole domain, not for this shop alone: by wish only.
SECURE_HSTS_INCLUDE_SUBDOMAINS = _https and env.bool("HSTS_INCLUDE_SUBDOMAINS", False)
SECURE_HSTS_PRELOAD = _https and env.bool("HSTS_PRELOAD", False)
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # which would have both always
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1500  # an event's form with 50 ticket types

# -- words, files, mail -----------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("es", _("Spanish"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL, MEDIA_URL = "/static/", "/media/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.str("STATIC_ROOT", str(BASE_DIR / "staticfiles")))
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", str(VAR_DIR / "media")))
BACKUPS = Path(_backups) if (_backups := env.str("BACKUPS", "")) else None  # the doctor looks how old
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEVELOPMENT
        else "ticketsuma.web.static_files.HashedFiles"
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEVELOPMENT
WHITENOISE_ROOT = BASE_DIR / "static" / "root"  # asked for at these very names: favicon.ico and its like
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ["gz", "br", "png", "jpg", "jpeg", "webp", "woff2", "map"]
EMAIL_TIMEOUT = 10
MESSAGES_PER_SECOND = max(1, env.int("MESSAGES_PER_SECOND", 20))  # of one message to guests
MAIL_PROVIDER, _token = env.str("MAIL_PROVIDER", "").lower(), env.str("MAIL_PROVIDER_TOKEN", "")
_webhooks = env.str("MAIL_WEBHOOK_SECRET", ""), env.str("MAIL_WEBHOOK_SIGNING_KEY", "")
ANYMAIL = anymail_settings(env, MAIL_PROVIDER, _token, env.str("MAIL_PROVIDER_URL", ""), *_webhooks)
if not ALLOW_TEST_NETWORK and not (MAIL_PROVIDER and _token):
    env.demand("EMAIL_URL", env.str("EMAIL_URL", ""))  # else tickets would be printed to the log
_mail = f"filemail:///{VAR_DIR / 'mail'}" if DEVELOPMENT else "consolemail://"
vars().update(readable("EMAIL_URL", lambda: env.email_url("EMAIL_URL", _mail)))
if MAIL_PROVIDER and _token:
    EMAIL_BACKEND = f"anymail.backends.{MAIL_PROVIDER}.EmailBackend"
_sender = formataddr((SITE_NAME, f"tickets@{urlsplit(SITE_URL).hostname}"))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", _sender)
env.problems += from_problems(SITE_NAME, DEFAULT_FROM_EMAIL)
SERVER_EMAIL = DEFAULT_FROM_EMAIL
DKIM_SELECTOR = env.str("DKIM_SELECTOR", "")

# -- logs: ticketsuma.conf.logging_config says how a line looks ----------------------------------
LOG_LEVEL = env.str("LOG_LEVEL", "INFO").upper()
LOG_JSON = env.bool("LOG_JSON", not DEVELOPMENT)
LOGGING_CONFIG = "ticketsuma.conf.logging_config.configure"
LOGGING = {
    "level": LOG_LEVEL,
    "json": LOG_JSON,
    "handlers": ["tickets.metrics.process.CountingHandler"],  # beside the one that writes
}
SENTRY_DSN = env.str("SENTRY_DSN", "")  # ticketsuma.conf.sentry says what a report holds
OTEL_EXPORTER_OTLP_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", "")  # ticketsuma.conf.traces

if LOG_LEVEL not in logging.getLevelNamesMapping():
    env.problems.append(f"LOG_LEVEL {LOG_LEVEL} is none of DEBUG, INFO, WARNING, ERROR, CRITICAL")
refuse(env.problems)
