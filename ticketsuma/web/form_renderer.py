"""Form fields in pages: an `<input>` as Django's templates write it, without rendering two for each."""

from typing import Any

from django.forms.renderers import DjangoTemplates
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

_KINDS = ("text", "email", "number", "hidden", "password", "url")
_INPUTS = frozenset(f"django/forms/widgets/{kind}.html" for kind in _KINDS)


class PlainInputs(DjangoTemplates):
    """Django's renderer, for which the plainest and most frequent widgets need no template."""

    def render(self, template_name: str, context: dict[str, Any], request=None) -> SafeString:
        if template_name in _INPUTS:
            return _input(context["widget"])
        return mark_safe(super().render(template_name, context, request))  # noqa: S308, a template made it


def _input(widget: dict[str, Any]) -> SafeString:
    value = widget["value"]
    words = [("type", widget["type"]), ("name", widget["name"])]
    words += [] if value is None else [("value", str(value))]
    words += [(name, said) for name, said in widget["attrs"].items() if said is not False]
    attrs = "".join(
        format_html(" {}", name) if said is True else format_html(' {}="{}"', name, said)
        for name, said in words
    )
    return format_html("<input{}>", mark_safe(attrs))  # noqa: S308, each of them is escaped
