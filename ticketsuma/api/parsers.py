"""JSON parser as strict as RFC 8259 allows: refuses what two parsers could read differently."""

import json
import math
import re
from email.message import Message

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from ticketsuma.errors import DomainError

DEEPEST = 20
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # NUL breaks PostgreSQL; lone surrogates are no text


class TooLarge(DomainError):
    code = "too_large"
    message = _("That is too large.")
    status = 413


class MalformedJson(ParseError):
    default_code = "malformed_json"

    def __init__(self, why: str):
        super().__init__(f"The body is not JSON we can read: {why}.")


def loads(body: bytes):
    """The value of `body`; raises MalformedJson.

    UTF-8 only, at most DEEPEST levels, no duplicate keys, no NaN or Infinity, no NUL, no lone surrogates.
    """
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError:
        raise MalformedJson("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise MalformedJson(f"{error.msg} at line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise MalformedJson("it is nested too deeply") from None
    except ValueError:
        raise MalformedJson("a number is too long") from None
    _check(value, depth=1)
    return value


def _object(pairs: list[tuple]) -> dict:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise MalformedJson("a key is there twice")
    return value


def _refuse_constant(name: str):
    raise MalformedJson(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise MalformedJson("a number is too large")
    return number


def _check(value, *, depth: int) -> None:
    if depth > DEEPEST:
        raise MalformedJson("it is nested too deeply")
    if isinstance(value, str) and _UNSTORABLE.search(value):
        raise MalformedJson("a text holds a NUL or half a character")
    if isinstance(value, dict):
        for key, item in value.items():
            _check(key, depth=depth)
            _check(item, depth=depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth=depth + 1)


class StrictJSONParser(BaseParser):
    """The API's only parser. 415 for another charset or a compressed body, 413 for a large one."""

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None):
        request = parser_context["request"]
        _check_encoding(request)
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
            raise TooLarge
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge
        return loads(body)


def _check_encoding(request) -> None:
    header = Message()
    header["Content-Type"] = request.META.get("CONTENT_TYPE", "")
    charset = header.get_param("charset", "utf-8")
    if not isinstance(charset, str) or charset.lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType("charset")
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise UnsupportedMediaType("Content-Encoding")
