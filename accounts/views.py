"""The page behind the link that the API's sign-up mails; every other account page is allauth's."""

from allauth.account.models import EmailConfirmationHMAC
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from . import services


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_email(request: HttpRequest, key: str) -> HttpResponse:
    """Ask whether the address is theirs; posting proves it. Opening the link alone changes nothing,
    because mail scanners open links too.
    """
    if request.method == "POST":
        try:
            services.verify_email(request=request, key=key)
        except services.BadKey:
            return render(request, "account/email_confirm.html")
        messages.success(request, _("Your address is verified. You can sign in now."))
        return redirect("account_login")
    confirmation = EmailConfirmationHMAC.from_key(key)
    email = confirmation.email_address.email if confirmation else ""
    return render(request, "account/email_confirm.html", {"can_confirm": bool(confirmation), "email": email})
