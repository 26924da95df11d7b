"""Cover pictures of events: uploads are decoded and encoded anew, never served as they came."""

import io
import re
import secrets
from datetime import timedelta

from django.core import signing
from django.core.exceptions import SuspiciousFileOperation, ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from PIL import Image, ImageOps, UnidentifiedImageError

from ticketsuma.web.middleware import loadable_elsewhere

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 50_000_000
BOX = (1600, 1600)
_KEPT, _FOLDER = "kept cover", "kept-covers"
KEPT_FOR = timedelta(days=1)
_NAME = re.compile(r"[0-9a-f]{32}\.webp")


def redraw_cover(upload: UploadedFile) -> ContentFile:
    """A WebP of at most 1600 pixels a side under a random name; ValidationError when it is no picture."""
    if upload.size > MAX_BYTES:  # type: ignore[operator]  # an upload has its size
        raise ValidationError(_("The picture is larger than 10 MB."))
    try:
        with Image.open(upload) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise ValidationError(_("The picture has too many pixels."))
            small = ImageOps.exif_transpose(picture).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise ValidationError(_("This file is not a picture we can read.")) from None
    small.thumbnail(BOX)
    drawn = io.BytesIO()
    small.save(drawn, "WEBP", quality=82)
    return ContentFile(drawn.getvalue(), name=f"{secrets.token_hex(16)}.webp")


def keep_cover(drawn: ContentFile) -> str:
    """Store a picture of `redraw_cover` before its event is saved; a signed name, for `kept_cover`."""
    drawn.seek(0)
    return signing.dumps(default_storage.save(f"{_FOLDER}/{drawn.name}", drawn), salt=_KEPT)


def kept_cover(signed: str) -> ContentFile | None:
    """The picture that `keep_cover` stored in the last day, by its signed name; None for anything else."""
    try:
        name = signing.loads(signed, salt=_KEPT, max_age=KEPT_FOR) if signed else ""
        with default_storage.open(name) as kept:
            return ContentFile(kept.read(), name=name.rpartition("/")[2])
    except (signing.BadSignature, OSError, SuspiciousFileOperation):
        return None


def forget_kept_covers() -> None:
    """Delete what was kept of forms that nobody sent again: an hourly task of the worker."""
    try:
        _folders, names = default_storage.listdir(_FOLDER)
    except FileNotFoundError:
        return
    for path in (f"{_FOLDER}/{name}" for name in names):
        if timezone.now() - default_storage.get_modified_time(path) > KEPT_FOR:
            default_storage.delete(path)


@require_safe
@loadable_elsewhere
@cache_control(public=True, max_age=31_536_000, immutable=True)
def cover(request: HttpRequest, name: str) -> FileResponse:
    """A cover by its random name; it never changes, so it may be kept for ever."""
    path = f"covers/{name}"
    if not _NAME.fullmatch(name) or not default_storage.exists(path):
        raise Http404
    return FileResponse(default_storage.open(path), content_type="image/webp")
