"""Markdown of organizers, rendered to sanitized HTML."""

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": False}).disable("image")
_TAGS = {"p", "br", "hr", "strong", "em", "a", "ul", "ol", "li", "blockquote", "code", "pre", "h3", "h4"}


def render_markdown(text: str) -> SafeString:
    """Markdown → clean HTML. Headings start below the page's own two levels and leave none out; no pictures,
    no raw HTML."""
    tokens = _MARKDOWN.parse(text)
    highest = "h6"
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            highest = min(highest, token.tag)
            token.tag = "h3" if token.tag == highest else "h4"
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    clean = nh3.clean(
        html, tags=_TAGS, attributes={"a": {"href"}}, url_schemes={"https", "http", "mailto"},
        link_rel="nofollow noopener noreferrer",
    )  # fmt: skip
    return mark_safe(clean)  # noqa: S308, nh3 just cleaned it
