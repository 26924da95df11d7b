"""Upper bounds of this machine: one-file Django apps that leave out everything the shop does.

`/empty` is a view that answers; `/claim` takes a seat and writes two rows in one transaction. Served by
the shop's own gunicorn settings on the shop's kind of database, so that the difference is our code.
"""

import os
import secrets
import sys

import django
import environ
from django.conf import settings

if not settings.configured:
    database = environ.Env().db_url("CEILING_DATABASE_URL")
    if database["ENGINE"].endswith("postgresql"):
        database["OPTIONS"] = {"pool": {"min_size": 2, "max_size": 16}}
    else:
        database["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        }
    settings.configure(
        SECRET_KEY=secrets.token_hex(32),
        ALLOWED_HOSTS=["localhost"],
        ROOT_URLCONF=__name__,
        DATABASES={"default": database},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()

from django.core.wsgi import get_wsgi_application
from django.db import connection, models, transaction
from django.db.models import F
from django.http import HttpResponse
from django.urls import path


class Seats(models.Model):
    taken = models.IntegerField(default=0)
    capacity = models.IntegerField()

    class Meta:
        app_label = "ceiling"

    def __str__(self) -> str:
        return f"{self.taken} of {self.capacity}"


class Sold(models.Model):
    code = models.CharField(max_length=32, unique=True)

    class Meta:
        app_label = "ceiling"

    def __str__(self) -> str:
        return self.code


def empty(request):
    return HttpResponse(b"ok")


def claim(request):
    with transaction.atomic():
        Sold.objects.create(code=secrets.token_hex(16))
        Sold.objects.create(code=secrets.token_hex(16))
        if not Seats.objects.filter(taken__lt=F("capacity")).update(taken=F("taken") + 1):
            return HttpResponse(status=409)
    return HttpResponse(b"ok", status=201)


urlpatterns = [path("empty", empty), path("claim", claim), path("health", empty)]
application = get_wsgi_application()

if __name__ == "__main__" and sys.argv[1:] == ["prepare"]:
    with connection.schema_editor() as editor:
        editor.create_model(Seats)
        editor.create_model(Sold)
    Seats.objects.create(capacity=10**8)
    print(os.getpid())
