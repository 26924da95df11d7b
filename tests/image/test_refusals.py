"""Production settings: a missing or weak one stops the start with one sentence that names it."""

import os
import re
import subprocess

import pytest

from tests.environment import key_pair

OTHER_KEY = key_pair("SIGNING")["UMA_SIGNING_PRIVATE_KEY"]
SECRET = re.compile("SECRET|PRIVATE_KEY|SIGNING_KEY|DATABASE")
# variable, value (None: not set), and a word of the sentence
REFUSED = [
    ("SECRET_KEY", None, "missing"),
    ("SECRET_KEY", "short-but-otherwise-fine-0123456789", "shorter than 50"),
    ("SECRET_KEY", "x" * 64, "guessed"),
    ("SECRET_KEY", "django-insecure-" + "0123456789abcdef" * 4, "known default"),
    ("JWT_SECRET", None, "missing"),
    ("JWT_SECRET", "0123456789", "shorter than 32"),
    ("SECOND_FACTOR_KEYS", None, "missing"),
    ("SECOND_FACTOR_KEYS", "0123456789", "shorter than 32"),
    ("LIGHTSPARK_API_TOKEN_CLIENT_ID", None, "missing"),
    ("LIGHTSPARK_API_TOKEN_CLIENT_SECRET", None, "missing"),
    ("LIGHTSPARK_API_TOKEN_CLIENT_SECRET", "0123456789", "shorter than 16"),
    ("LIGHTSPARK_NODE_ID", None, "missing"),
    ("LIGHTSPARK_NODE_PASSWORD", None, "missing"),
    ("LIGHTSPARK_WEBHOOK_SIGNING_KEY", None, "missing"),
    ("LIGHTSPARK_WEBHOOK_SIGNING_KEY", "0123456789", "shorter than 32"),
    ("LIGHTSPARK_WEBHOOK_SIGNING_KEY", "0123456789abcdef" * 2 + ",new", "shorter than 32"),
    ("UMA_SIGNING_PRIVATE_KEY", None, "missing"),
    ("UMA_SIGNING_PRIVATE_KEY", "not-hexadecimal", "64 hexadecimal digits"),
    ("UMA_SIGNING_PRIVATE_KEY", "0" * 64, "64 hexadecimal digits"),
    ("UMA_SIGNING_PRIVATE_KEY", OTHER_KEY, "not the key of UMA_SIGNING_CERT_CHAIN"),
    ("UMA_SIGNING_CERT_CHAIN", None, "missing"),
    ("UMA_SIGNING_CERT_CHAIN", "-----BEGIN CERTIFICATE-----", "no certificate that can be read"),
    ("UMA_SIGNING_NEXT_FROM", "tomorrow", "cannot be read"),
    ("UMA_SIGNING_NEXT_FROM", "2026-12-01T03:00:00", "lacks its time zone"),
    ("UMA_ENCRYPTION_PRIVATE_KEY", None, "missing"),
    ("UMA_ENCRYPTION_CERT_CHAIN", None, "missing"),
    ("ALLOWED_HOSTS", "*", "may not be *"),
    ("SITE_URL", "http://tickets.example.com", "https://"),
    ("UMA_DOMAIN", "other.example.com", "host of SITE_URL"),
    ("LIGHTSPARK_NETWORK", "REGTEST", "ALLOW_TEST_NETWORK"),
    ("UMA_LOCAL_VASPS", "localhost:8081", "ALLOW_TEST_NETWORK"),
    ("PORT", "eighty", "cannot be read"),
    ("DATABASE_URL", "nonsense:secret-of-the-database", "must begin with postgres://"),
    ("DATABASE_URL", "postgres://shop:pass/word#@db:x/shop", "cannot be read"),
    ("CACHE_URL", "nonsense://", "cannot be read"),
    ("EMAIL_URL", None, "missing"),
    ("EMAIL_URL", "nonsense://", "cannot be read"),
    ("LOG_LEVEL", "LOUD", "DEBUG, INFO"),
    ("LIVE_STREAMS_PER_PROCESS", "320", "must be below WEB_THREADS"),
]


def start(tree, command: list[str], env: dict[str, str]) -> subprocess.CompletedProcess:
    python = tree.root / "opt" / "venv" / "bin" / "python"
    return subprocess.run(
        [python, *command], cwd=tree.app, env=env, capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["manage.py", "check"], id="manage.py"),
        pytest.param(["-m", "gunicorn", "-c", "gunicorn.conf.py", "ticketsuma.wsgi"], id="gunicorn"),
        pytest.param(["-c", "import ticketsuma.wsgi"], id="any other server"),
    ],
)
def test_nothing_set_is_one_sentence(tree, command):
    done = start(tree, command, {"PATH": os.environ["PATH"], "VAR_DIR": "/nowhere"})
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    for name in ("SECRET_KEY", "JWT_SECRET", "LIGHTSPARK_NODE_ID", "UMA_SIGNING_CERT_CHAIN", "SITE_URL"):
        assert name in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "word"), [pytest.param(*row, id=f"{row[0]} {row[2]}") for row in REFUSED]
)
def test_a_wrong_setting_stops_the_start(tree, production, name, value, word):
    env = {"PATH": os.environ["PATH"], "DATABASE_URL": "postgres://shop:x@db/shop"} | production
    env |= {name: value} if value is not None else {}
    if value is None:
        del env[name]
    for command in (["manage.py", "check"], ["-m", "gunicorn", "-c", "gunicorn.conf.py", "ticketsuma.wsgi"]):
        done = start(tree, command, env)
        said = done.stdout + done.stderr
        assert done.returncode == 1, said
        assert len(said.splitlines()) == 1, said
        assert said.startswith("Tickets by UMA does not start: ")
        assert name in said
        assert word in said
        assert not SECRET.search(name) or value is None or value not in said, "the sentence repeats a secret"
        assert "pass/word" not in said
        assert "secret-of-the-database" not in said


def test_the_same_secret_twice_is_refused(tree, production):
    env = {"PATH": os.environ["PATH"]} | production | {"JWT_SECRET": production["SECRET_KEY"]}
    done = start(tree, ["manage.py", "check"], env)
    assert done.returncode == 1
    assert "JWT_SECRET must not be the same as SECRET_KEY" in done.stderr


def test_a_good_environment_passes_every_check_for_deployment(tree, production):
    env = production | {"DATABASE_URL": "postgres://shop:x@127.0.0.1:9/shop"}
    del env["VAR_DIR"]
    done = tree.run("python", "manage.py", "check", "--deploy", "--fail-level", "WARNING", env=env)
    assert done.returncode == 0, done.stderr
