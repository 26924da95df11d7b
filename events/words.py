"""What an organizer wrote, made safe to show, and made into a calendar entry."""

import nh3
from django.utils.safestring import SafeString, mark_safe
from icalendar import Calendar
from icalendar import Event as Entry
from markdown_it import MarkdownIt

from .models import Event

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


def calendar_file(event: Event, url: str) -> bytes:
    """The event as an iCalendar file, times in UTC so that every calendar shows its owner's zone.

    `url` is where its owner joins; the stream's own address is never in a calendar.
    """
    calendar, entry = Calendar(), Entry()
    calendar.add("prodid", "-//Tickets by UMA//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    entry.add("uid", f"event-{event.pk}@tickets-by-uma")
    entry.add("dtstamp", event.updated_at)
    entry.add("dtstart", event.start_time)
    entry.add("dtend", event.end_time)
    entry.add("summary", event.title)
    entry.add("description", f"{event.summary}\n\n{url}".strip())
    entry.add("url", url)
    entry.add("status", "CANCELLED" if event.is_canceled else "CONFIRMED")
    calendar.add_component(entry)
    return calendar.to_ical()
