"""Python inside a stack's environment: evaluates lines of JSON in its Django (see `Stack.django`)."""

import json
import os
import sys
import traceback

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "ticketsuma.settings"
django.setup()

from datetime import timedelta  # noqa: E402

from django.apps import apps  # noqa: E402
from django.core.serializers.json import DjangoJSONEncoder  # noqa: E402
from django.db import close_old_connections, connection  # noqa: E402
from django.utils import timezone  # noqa: E402

KEPT: dict = {}


def evaluate(code: str, names: dict):
    """The value of an expression, or what statements left in `answer`."""
    space = {model.__name__: model for model in apps.get_models()}
    space |= {"timezone": timezone, "timedelta": timedelta, "connection": connection, "answer": None}
    space |= {"kept": KEPT, **names}
    try:
        expression = compile(code, "<test>", "eval")
    except SyntaxError:
        exec(code, space)
        return space["answer"]
    return eval(expression, space)


def main() -> None:
    for line in sys.stdin:
        close_old_connections()
        try:
            said = {"answer": evaluate(**json.loads(line))}
            text = json.dumps(said, cls=DjangoJSONEncoder)
        except Exception:
            text = json.dumps({"error": traceback.format_exc()})
        finally:
            connection.close()
        print(text, flush=True)


if __name__ == "__main__":
    main()
