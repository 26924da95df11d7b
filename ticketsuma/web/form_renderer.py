"""Form fields in pages: inputs and selects as Django's templates write them, without a template for each.

A select of time zones has 600 options, each of which is two templates of Django's.
"""

from collections.abc import Iterable
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.utils.formats import localize
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

_KINDS = ("text", "email", "number", "hidden", "password", "url")
_INPUTS = frozenset(f"django/forms/widgets/{kind}.html" for kind in _KINDS)


class PlainInputs(DjangoTemplates):
    """Django's renderer, for which the plainest and most frequent widgets need no template."""

    def render(self, template_name: str, context: dict[str, Any], request=None) -> SafeString:
        if template_name in _INPUTS:
            return _input(context["widget"])
        if template_name == "django/forms/widgets/select.html":
            return _select(context["widget"])
        return mark_safe(super().render(template_name, context, request))  # noqa: S308, a template made it


def _input(widget: dict[str, Any]) -> SafeString:
    value = widget["value"]
    words = [("type", widget["type"]), ("name", widget["name"])]
    words += [] if value is None else [("value", str(value))]
    return format_html("<input{}>", _attributes(words + list(widget["attrs"].items())))


def _select(widget: dict[str, Any]) -> SafeString:
    said: list[str] = [
        format_html('<select name="{}"{}>', widget["name"], _attributes(widget["attrs"].items()))
    ]
    for group, options, _index in widget["optgroups"]:
        said += [format_html('\n  <optgroup label="{}">', group)] if group else []
        for option in options:
            value, attributes = str(option["value"]), _attributes(option["attrs"].items())
            label = localize(option["label"])
            said.append(format_html('\n  <option value="{}"{}>{}</option>\n', value, attributes, label))
        said += ["\n  </optgroup>"] if group else []
    return mark_safe("".join([*said, "\n</select>"]))  # noqa: S308, each of them is escaped


def _attributes(words: Iterable[tuple[str, Any]]) -> SafeString:
    said = [
        f" {conditional_escape(name)}" + ("" if value is True else f'="{conditional_escape(value)}"')
        for name, value in words
        if value is not False
    ]
    return mark_safe("".join(said))  # noqa: S308, each of them is escaped
