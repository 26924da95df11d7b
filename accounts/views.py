"""Views behind mailed and printed links: confirming an address, signing in. allauth has the others."""

from allauth.account.models import EmailConfirmationHMAC
from allauth.mfa.base.views import IndexView
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from . import second_factor, services, sessions, sign_in_links
from .authentication import end_tokens
from .forms import LinkForm
from .history import record
from .http import SignedInRequest


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_email(request: HttpRequest, key: str) -> HttpResponse:
    """Ask whether the address is theirs; posting proves it. Opening the link alone changes nothing,
    because mail scanners open links too. Who is not signed in gives the account's password as well:
    the account may be a stranger's.
    """
    confirmation = EmailConfirmationHMAC.from_key(key)
    if confirmation is None:
        return render(request, "account/email_confirm.html")
    is_theirs = request.user.is_authenticated and request.user.pk == confirmation.email_address.user_id
    form = None if is_theirs else LinkForm(request.POST or None)
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            if form:
                services.check_password_of_link(
                    request=request, confirmation=confirmation, password=form.cleaned_data["password"]
                )
            services.verify_email(request=request, key=key)
        except services.BadKey:
            return render(request, "account/email_confirm.html")
        except services.WrongPassword:
            words = _("That is not the password with which this account was made.")
            form.add_error("password", words)  # type: ignore[union-attr]  # without a form none was asked for
        else:
            messages.success(request, _("Your address is verified. You can sign in now."))
            return redirect("account_login")
    email = confirmation.email_address.email
    return render(request, "account/email_confirm.html", {"can_confirm": True, "email": email, "form": form})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_link(request: HttpRequest, key: str) -> HttpResponse:
    """Sign in by a link of `manage.py sign_in_link`; posting uses it up, opening it alone does not."""
    if request.method == "POST":
        try:
            user = sign_in_links.use_link(key)
        except services.BadKey:
            return render(request, "account/link.html", {"is_good": False})
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        return redirect("account_page")
    return render(request, "account/link.html", {"is_good": sign_in_links.read_link(key) is not None})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def sessions_page(request: SignedInRequest) -> HttpResponse:
    """The devices on which one is signed in; posting ends one, or all others and every API token."""
    rows = sessions.sign_ins_of(request.user)
    if request.method == "POST":
        mine = request.session.session_key
        chosen = [row for row in rows if str(row.pk) == request.POST.get("end")]
        if "others" in request.POST:
            chosen = [row for row in rows if row.session_key != mine]
            end_tokens(request.user)
        sessions.end(chosen)
        record("end_sessions", request.user)
        if any(row.session_key == mine for row in chosen):
            logout(request)
            return redirect("account_login")
        messages.success(request, _("Those devices are signed out."))
        return redirect("sessions_page")
    return render(request, "account/sessions.html", {"rows": rows, "current": request.session.session_key})


class SecondFactorsView(IndexView):
    """A user's passkeys, app and recovery codes; who must have a factor and has none is told."""

    def get_context_data(self, **kwargs) -> dict:
        said = super().get_context_data(**kwargs)
        missing = second_factor.is_required_of(self.request.user) and not said["is_mfa_enabled"]
        return said | {"is_missing": missing}


second_factors = never_cache(SecondFactorsView.as_view())
