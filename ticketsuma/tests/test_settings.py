"""Settings: invalid ones are refused in one sentence at the start."""

import os
import subprocess
import sys
from email.utils import parseaddr

import pytest
from django.conf import settings as here

from tests.environment import fresh_secrets

DEVELOPMENT = {"DEBUG": "1"}
PRODUCTION = {"SITE_URL": "https://tickets.example.com", "EMAIL_URL": "dummymail://", **fresh_secrets()}


def started(tmp_path, base: dict, expression: str = "settings.SITE_NAME", **given: str) -> tuple[str, str]:
    """What `expression` is in a process with these settings, and what it said when it refused to start."""
    code = "from ticketsuma.conf.bootstrap import read_settings; read_settings()\n"
    code += "from django.conf import settings\n"
    code += f"print({expression})"
    env = {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path)} | base | given
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=here.BASE_DIR, env=env, capture_output=True, text=True, check=False
    )
    return done.stdout.strip(), done.stderr.strip()


@pytest.mark.parametrize(
    ("base", "given", "word"),
    [
        (DEVELOPMENT, {"LIGHTSPARK_NETWORK": "MAINNET"}, "LIGHTSPARK_NETWORK is MAINNET"),
        (DEVELOPMENT, {"SITE_URL": "https://tickets.example.com"}, "is no address of this machine"),
        (DEVELOPMENT, {"SITE_URL": "http://93.184.215.14:8080"}, "is no address of this machine"),
        (DEVELOPMENT, {"SECRET_KEY": "django-insecure-" + "0123456789" * 6}, "SECRET_KEY is a known default"),
        (PRODUCTION, {"LIGHTSPARK_BASE_URL": "http://node.example.com/graphql"}, "must begin with https://"),
        (PRODUCTION, {"ADMIN_EMAILS": "ann@example.com, boss"}, "ADMIN_EMAILS holds something"),
        (PRODUCTION, {"STAFF_SECOND_FACTOR": "no"}, "STAFF_SECOND_FACTOR is neither"),
        (PRODUCTION, {"SECOND_FACTOR_KEYS": "short"}, "SECOND_FACTOR_KEYS is shorter"),
        (PRODUCTION, {"SITE_NAME": "Seats\nBcc: all@example.com"}, "SITE_NAME must be one line"),
        (
            PRODUCTION,
            {"DEFAULT_FROM_EMAIL": "Seats, Inc <a@x.org>"},
            "DEFAULT_FROM_EMAIL is no address",
        ),
        (PRODUCTION, {"DEFAULT_FROM_EMAIL": "nobody"}, "DEFAULT_FROM_EMAIL is no address"),
        pytest.param(
            PRODUCTION,
            {"DATABASE_DIRECT_URL": "postgres://database/tickets", "DB_PREPARED_STATEMENTS": "1"},
            "DB_PREPARED_STATEMENTS must be 0",
            id="prepared-behind-a-pooler",
        ),
        (PRODUCTION, {"MAIL_PROVIDER": "pigeon"}, "MAIL_PROVIDER is none of brevo, mailgun,"),
        (PRODUCTION, {"MAIL_PROVIDER": "postmark"}, "MAIL_WEBHOOK_SECRET is missing"),
        (PRODUCTION, {"MAIL_PROVIDER": "brevo", "MAIL_WEBHOOK_SECRET": "short"}, "SECRET is shorter than 24"),
        (
            PRODUCTION,
            {"MAIL_PROVIDER": "mailgun", "MAIL_WEBHOOK_SECRET": "e5c1f0a9b7d24386a1c0"},
            "MAIL_WEBHOOK_SIGNING_KEY is missing",
        ),
    ],
)
def test_what_cannot_be_stops_the_start(tmp_path, base, given, word):
    said, refused = started(tmp_path, base, **given)
    assert said == ""
    assert refused.startswith("Tickets by UMA does not start: ")
    assert word in refused
    assert len(refused.splitlines()) == 1


@pytest.mark.parametrize("url", ["http://localhost:8080", "http://192.168.1.5:8080", "http://shop.local"])
def test_development_starts_on_this_machine_and_its_network(tmp_path, url):
    assert started(tmp_path, DEVELOPMENT, "settings.SITE_URL", SITE_URL=url) == (url, "")


def test_development_has_no_published_secrets(tmp_path):
    secret = "settings.SECRET_KEY + ' ' + settings.JWT_SECRET"
    one, other = (started(tmp_path, DEVELOPMENT, secret)[0] for _ in range(2))
    assert len({*one.split(), *other.split()}) == 4


def test_admins_are_spelled_as_accounts_are(tmp_path):
    """A space or a capital made nobody staff, without a word."""
    given = " Ann@Example.com ,bob@example.com,"
    said, _refused = started(tmp_path, PRODUCTION, "sorted(settings.ADMIN_EMAILS)", ADMIN_EMAILS=given)
    assert said == "['ann@example.com', 'bob@example.com']"


@pytest.mark.parametrize("name", ["Seats, Inc.", "Seats: live", "Seats @ Home", 'The "Hall"', "Ópera", "<b>"])
def test_any_name_can_send_mails(tmp_path, name):
    """A comma, a colon or an @ killed every mail, and made sign-up an error."""
    mail = "__import__('django.core.mail').core.mail.EmailMessage('s', 'b', to=['a@example.com'])"
    code = f"{mail}.message()['From']"
    said, refused = started(tmp_path, PRODUCTION, code, SITE_NAME=name)
    assert refused == ""
    assert parseaddr(said)[1] == "tickets@tickets.example.com"


def test_what_speaks_for_the_whole_domain_is_by_wish(tmp_path):
    names = ("SECONDS", "INCLUDE_SUBDOMAINS", "PRELOAD")
    both = ", ".join(f"settings.SECURE_HSTS_{name}" for name in names)
    assert started(tmp_path, PRODUCTION, both)[0] == "31536000 False False"
    wished = {"HSTS_SECONDS": "60", "HSTS_INCLUDE_SUBDOMAINS": "1", "HSTS_PRELOAD": "1"}
    assert started(tmp_path, PRODUCTION, both, **wished)[0] == "60 True True"


def test_a_cache_in_redis_is_one_that_may_be_away(tmp_path):
    backend = "settings.CACHES['default']['BACKEND'], __import__('redis').__name__"
    said, refused = started(tmp_path, PRODUCTION, backend, CACHE_URL="redis://127.0.0.1:9/0")
    assert (said, refused) == ("ticketsuma.web.cache.RedisOrNothing redis", "")


def test_a_mail_providers_api_replaces_the_mail_server(tmp_path):
    """Without one nothing of it is loaded."""
    base = {name: value for name, value in PRODUCTION.items() if name != "EMAIL_URL"}
    given = {
        "MAIL_PROVIDER": "postmark", "MAIL_PROVIDER_TOKEN": "a-token",
        "MAIL_WEBHOOK_SECRET": "f0e1q7x2v9k4m1z8w3b6n5t0",
    }  # fmt: skip
    said, refused = started(tmp_path, base, "settings.EMAIL_BACKEND", **given)
    assert (said, refused) == ("anymail.backends.postmark.EmailBackend", "")
    loaded = "'anymail' in __import__('sys').modules"
    assert started(tmp_path, PRODUCTION, loaded) == ("False", "")
