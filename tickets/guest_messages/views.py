"""The page behind the link that ends news of an organizer."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from tickets.views.decorators import private_page

from .models import Unsubscribed
from .unsubscribing import UnknownLink, read_link, subscribe_again, unsubscribe


# Mail programs post without a cookie or a token (RFC 8058 3.2); the link is signed, and no session is read.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@private_page
def unsubscribe_page(request: HttpRequest, token: str) -> HttpResponse:
    """Ask (GET), for mail scanners open links too; posting ends the news, or with `again` begins them."""
    try:
        organizer, key = read_link(token)
    except UnknownLink:
        raise Http404 from None
    if request.method == "POST":
        if "again" in request.POST:
            subscribe_again(key)
        else:
            unsubscribe(organizer, key)
    is_out = Unsubscribed.objects.filter(key=key).exists()
    context = {"organizer": organizer, "is_out": is_out, "was_posted": request.method == "POST"}
    return render(request, "guest_messages/unsubscribe.html", context)
