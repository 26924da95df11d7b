"""Share picture of an event: a JPEG of 1200 × 630 for Open Graph."""

import functools
import io

import resvg_py
from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from PIL import Image, ImageOps

from accounts.rate_limits import costly
from ticketsuma.web.middleware import loadable_elsewhere

from .models import Event
from .posters import draw_poster

SIZE = (1200, 630)
KEPT = 64  # pictures of about 100 kB


@require_safe
@costly
@loadable_elsewhere
@cache_control(public=True, max_age=3600)
def share_picture(request: HttpRequest, event_id: int) -> HttpResponse:
    """Of the event's cover, or of its poster; the middle of it, for the sides are cut."""
    event = get_object_or_404(Event.objects.public(), pk=event_id)
    return HttpResponse(_drawn(event.cover.name if event.cover else "", event.pk), content_type="image/jpeg")


@functools.lru_cache(maxsize=KEPT)
def _drawn(cover: str, seed: int) -> bytes:
    """A cover's name is random and its file never changes, so the two say everything."""
    if cover and default_storage.exists(cover):
        with default_storage.open(cover) as file:
            picture = Image.open(file).convert("RGB")
    else:
        picture = Image.open(io.BytesIO(resvg_py.svg_to_bytes(svg_string=draw_poster(seed)))).convert("RGB")
    drawn = io.BytesIO()
    ImageOps.fit(picture, SIZE).save(drawn, "JPEG", quality=85)
    return drawn.getvalue()
