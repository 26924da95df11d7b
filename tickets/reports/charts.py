"""Charts as SVG, made here: bars whose numbers are in a table beneath. Colors are the style sheet's."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from ticketsuma.templatetags.display import number

WIDTH, HEIGHT, TOP, BOTTOM = 720, 216, 28, 30  # letters are twice as large on phones
FEWEST = 7  # slots, so that one bar is no wall


@dataclass(frozen=True)
class Bar:
    label: str
    value: int
    says: str = ""


def bars(title: str, values: Sequence[Bar]) -> SafeString:
    """Upright bars from 0 to the largest; the first, middle and last are named."""
    most = max((bar.value for bar in values), default=0)
    if not most:
        return SafeString("")
    slot = WIDTH / max(len(values), FEWEST)
    room = HEIGHT - TOP - BOTTOM
    drawn = []
    for place, bar in enumerate(values):
        height = round(room * bar.value / most, 1)
        drawn.append((
            round(place * slot + slot * 0.12, 1), round(HEIGHT - BOTTOM - height, 1),
            round(slot * 0.76, 1), height, bar.says or f"{bar.label}: {number(bar.value)}",
        ))  # fmt: skip
    named = sorted({0, len(values) // 2, len(values) - 1})
    anchors = {0: "start"} | ({len(values) - 1: "end"} if len(values) >= FEWEST else {})
    names = [
        (_at(place, slot, anchors), HEIGHT - 8, anchors.get(place, "middle"), values[place].label)
        for place in named
    ]
    rect = '<rect class="bar" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>'
    return format_html(
        '<svg class="chart" viewBox="0 0 {w} {h}" role="img" aria-label="{title}">'
        '<line class="axis" x1="0" y1="{y}" x2="{w}" y2="{y}"/>'
        '<line class="grid" x1="0" y1="{t}" x2="{w}" y2="{t}"/>'
        '<text class="most" x="0" y="{s}">{title} · max {most}</text>{bars}{names}</svg>',
        w=WIDTH, h=HEIGHT, y=HEIGHT - BOTTOM, t=TOP, s=TOP - 7, title=title, most=number(most),
        bars=format_html_join("", rect, drawn),
        names=format_html_join("", '<text x="{}" y="{}" text-anchor="{}">{}</text>', names),
    )  # fmt: skip


def _at(place: int, slot: float, anchors: dict[int, str]) -> float:
    part = {"start": 0.0, "end": 1.0}.get(anchors.get(place, ""), 0.5)
    return round((place + part) * slot, 1)


def steps_down(title: str, values: Sequence[Bar]) -> SafeString:
    """Lying bars, each as long as its part of the first: a funnel."""
    most = max((bar.value for bar in values), default=0)
    if not most:
        return SafeString("")
    high, left = 34, 262
    shape = (
        '<rect class="bar" x="{}" y="{}" width="{}" height="{}"/>'
        '<text class="name" x="0" y="{}">{}</text><text class="value" x="{}" y="{}">{}</text>'
    )
    drawn = []
    for place, bar in enumerate(values):
        width, line = max(round(WIDTH * 0.44 * bar.value / most, 1), 1), place * high + 20
        drawn.append((
            left, place * high + 2, width, high - 8, line, bar.label, left + width + 8, line,
            bar.says or number(bar.value),
        ))  # fmt: skip
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>',
        WIDTH, len(values) * high, title, format_html_join("", shape, drawn),
    )  # fmt: skip
