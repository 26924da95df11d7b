"""Private APIs of libraries: each is used in one file, and is still there in the installed version."""

import ast
import inspect

import pytest
from allauth.account.internal.flows import login, password_reset, signup
from csp import middleware
from django.db import models
from django.http import HttpRequest
from gunicorn import util
from gunicorn.workers import base, gthread
from lightspark import LightsparkSyncClient
from requests import Session
from rest_framework.request import Request

from tests.tree import ROOT, source_files

# What is private, and the only file that uses it.
USED = {
    "allauth.account.internal.flows.login": "accounts/receivers.py",
    "allauth.account.internal.flows.password_reset": "accounts/services.py",
    "allauth.account.internal.flows.signup": "accounts/services.py",
    "_requester": "payments/node/lightspark.py",
    "_request": "ticketsuma/api/viewsets.py",
    "_verbose_name": "ticketsuma/management/commands/makemigrations.py",
    "_csp_update": "ticketsuma/web/middleware.py",
    "_doc": "tickets/pdf/tags.py",
    "_keepalive_after": "ticketsuma/web/gunicorn_worker.py",
    "write_error": "ticketsuma/web/gunicorn_worker.py",
}
DOCUMENTED = {
    "_meta",
    "_state",
    "_base_manager",
    "_default_manager",
    "_replace",
    "_srcfile",
}  # in the references of Django and Python
FOR_MYPY = {"_StrPromise"}  # of django-stubs; mypy misses it when it goes
UNDOCUMENTED = {"write_error"}  # private without an underscore
APPS = ("accounts", "events", "payments", "tickets", "ticketsuma")


def product() -> dict[str, ast.Module]:
    files = [file for file in source_files() if file.suffix == ".py" and "tests" not in file.parts]
    ours = [file for file in files if file.parts[0] in (*APPS, "gunicorn.conf.py")]
    return {str(file): ast.parse((ROOT / file).read_text()) for file in ours}


def named_in(tree: ast.Module) -> set[str]:
    """The names that a module gives: of functions and classes, variables, and its own attributes."""
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                names.add(name)
    return names


def private_in(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) if name in UNDOCUMENTED:
                found.add(name)
            case ast.Attribute(attr=name) if name.startswith("_") and not name.startswith("__"):
                found.add(name)
            case ast.ImportFrom(module=str(path), level=0, names=names) if path.split(".")[0] not in APPS:
                if "internal" in path.split("."):
                    found.add(path)
                found |= {one.name for one in names if one.name.startswith("_")}
    return found


def test_each_is_used_in_one_file():
    trees = product()
    assert len(trees) > 150
    ours = set().union(*map(named_in, trees.values())) - set(USED)
    used = {
        (name, file)
        for file, tree in trees.items()
        for name in private_in(tree) - ours - DOCUMENTED - FOR_MYPY
    }
    assert used == set(USED.items())


@pytest.mark.parametrize(
    ("function", "takes"),
    [
        (password_reset.request_password_reset, ["request", "email", "users", "token_generator"]),
        (login.record_authentication, ["request", "user", "method", "extra_data"]),
        (signup.send_unknown_account_mail, ["request", "email"]),
        (util.write_error, ["sock", "status_int", "reason", "mesg"]),
        (gthread.ThreadWorker._keepalive_after, ["self", "conn", "keepalive"]),
        (gthread.ThreadWorker.enqueue_req, ["self", "conn"]),
        (gthread.ThreadWorker.murder_pending, ["self"]),
    ],
    ids=lambda one: getattr(one, "__qualname__", ""),
)
def test_a_function_takes_what_we_pass(function, takes):
    assert list(inspect.signature(function).parameters) == takes


def test_gunicorn_refuses_by_the_function_that_we_replace():
    assert "util.write_error(" in inspect.getsource(base.Worker.handle_error)


def test_the_sdk_keeps_its_session_where_we_bound_it():
    client = LightsparkSyncClient("id", "secret")
    assert isinstance(client._requester.graphql_session, Session)


def test_django_csp_reads_the_sources_of_one_answer():
    assert '"_csp_update"' in inspect.getsource(middleware.CSPMiddleware)


def test_the_rest_framework_keeps_the_request_of_django():
    request = HttpRequest()
    assert Request(request)._request is request


def test_a_field_keeps_its_label_where_migrations_read_it():
    field = models.CharField("a label", max_length=1)
    assert field.deconstruct()[3]["verbose_name"] == "a label"
    field._verbose_name = None
    assert "verbose_name" not in field.deconstruct()[3]
