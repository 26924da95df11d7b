"""Strict serializer fields: no 1 for "1", no true for 1, no unknown names."""

import re
import unicodedata
from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from ticketsuma.addresses import InvisibleSign, normalize_address
from ticketsuma.zoned_fields import YEAR_OUT_OF_RANGE, YEARS

# Marks that turn the direction of writing: they make a name read as another one.
_DIRECTION_MARKS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
CONTROL = _("Control characters are not allowed.")
# Names stand in our mails, and mail programs make links of whatever looks like one.
_LINK = re.compile(r"://|\bwww\.|[\w-][.。][^\W\d_]{2,}(?!\w)", re.IGNORECASE)
LINK = _("That looks like an address on the web. Put a space behind the dot if it is a name.")
_MOST_NAMED = 20


def has_control(text: str, *, besides: str = "") -> bool:
    """Whether there are control characters in `text`, other than those of `besides`."""
    return any(unicodedata.category(sign) == "Cc" and sign not in besides for sign in text)


def has_link(text: str) -> bool:
    """Whether a mail program would make a link of something in `text`."""
    return bool(_LINK.search(unicodedata.normalize("NFKC", text)))


def without_direction_marks(text: str) -> str:
    return _DIRECTION_MARKS.sub("", text)


class StrictIntegerField(serializers.IntegerField):
    """A JSON integer; neither a string, nor true, nor 1.0."""

    def to_internal_value(self, data):
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class QueryIntegerField(serializers.IntegerField):
    """A whole number in an address: ASCII digits and nothing else."""

    def __init__(self, **kwargs):
        super().__init__(**{"min_value": 0} | kwargs)

    def to_internal_value(self, data):
        if not re.fullmatch(r"[0-9]{1,18}", data):
            self.fail("invalid")
        return int(data)


class StrictCharField(serializers.CharField):
    """A JSON string; control characters other than line ends are refused."""

    default_error_messages = {"control": CONTROL}
    line_ends = "\n\r\t"

    def to_internal_value(self, data):
        if type(data) is not str:
            self.fail("invalid")
        if has_control(data, besides=self.line_ends):
            self.fail("control")
        return without_direction_marks(super().to_internal_value(data))


class SingleLineField(StrictCharField):
    """A JSON string of one line: names and titles."""

    line_ends = ""


class PersonNameSerializerField(SingleLineField):
    """What somebody is called: one line, without addresses on the web."""

    default_error_messages = {"link": LINK}

    def __init__(self, **kwargs):
        super().__init__(**{"max_length": 120} | kwargs)

    def to_internal_value(self, data):
        name = super().to_internal_value(data)
        if has_link(name):
            self.fail("link")
        return name


class StrictEmailField(serializers.EmailField):
    """An e-mail address of at most 254 characters; `$name@domain` is recognized as a UMA address."""

    default_error_messages = {
        "uma": _("That is a UMA address. It belongs in uma_address; here we need an e-mail address.")
    }

    def __init__(self, **kwargs):
        super().__init__(**{"max_length": 254} | kwargs)

    def to_internal_value(self, data):
        if type(data) is not str:
            self.fail("invalid")
        if data.strip().startswith("$"):
            self.fail("uma")
        try:
            return super().to_internal_value(normalize_address(data))
        except InvisibleSign as error:
            raise ValidationError(error.message, code=error.code) from None


class AwareDateTimeField(serializers.DateTimeField):
    """An RFC 3339 time with an explicit offset: without one, nobody knows which moment is meant."""

    default_error_messages = {
        "offset": _("The time needs an offset, such as Z or +02:00."), "year": YEAR_OUT_OF_RANGE,
    }  # fmt: skip
    _pattern = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?", re.ASCII | re.I)

    def to_internal_value(self, value):
        if type(value) is not str or not (match := self._pattern.fullmatch(value)):
            self.fail("invalid", format="YYYY-MM-DDThh:mm:ss+hh:mm")
        if not match[3]:
            self.fail("offset")
        try:
            moment = super().to_internal_value(value)
        except OverflowError:
            self.fail("invalid", format="YYYY-MM-DDThh:mm:ss+hh:mm")
        if moment.year not in YEARS:
            self.fail("year")
        return moment


class StrictBooleanField(serializers.BooleanField):
    def to_internal_value(self, data):
        if type(data) is not bool:
            self.fail("invalid", input=data)
        return data


class StrictMixin:
    """Refuses by name every field it does not take, those a client may only read included."""

    def to_internal_value(self, data):
        if isinstance(data, Mapping):
            taken = {name for name, field in self.fields.items() if not field.read_only}
            if unknown := [name for name in data if name not in taken]:
                refusal = ErrorDetail(_("This field is not one you can set."), code="unknown_field")
                raise ValidationError({name[:100]: [refusal] for name in unknown[:_MOST_NAMED]})
        return super().to_internal_value(data)


class StrictSerializer(StrictMixin, serializers.Serializer):
    pass
