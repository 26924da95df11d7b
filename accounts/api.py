"""Accounts in the API: sign up, verify, sign in, change, leave."""

from datetime import UTC, datetime

from allauth.account.adapter import get_adapter
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.response import Response

from ticketsuma.api.schema import problems
from ticketsuma.api.viewsets import ApiViewSet

from . import rate_limits, services
from .authentication import end_tokens, issue_token
from .models import User
from .serializers import (
    ChangeSerializer,
    LoginSerializer,
    MailedSerializer,
    MailMeSerializer,
    ProofSerializer,
    ResetPasswordSerializer,
    SignUpSerializer,
    TokenSerializer,
    UserSerializer,
    VerifyEmailSerializer,
)

FOR_ANYBODY = {"create", "login", "verify_email", "verify_again", "ask_for_reset", "reset_password"}
OWN = ("not_authenticated", "not_found")
CHANGES = problems(*OWN, "weak_password", "wrong_password", body=True)


class BaseUserViewSet(ApiViewSet):
    """People see and change themselves; anybody else's account is a 404."""

    serializer_class = UserSerializer
    queryset = User.objects.none()
    lookup_value_regex = "[0-9]{1,18}"

    def get_permissions(self):
        return [AllowAny() if self.action in FOR_ANYBODY else IsAuthenticated()]

    def get_object(self) -> User:
        if int(self.kwargs["pk"]) != self.request.user.pk:
            raise Http404
        return self.request.user

    def proven(self) -> User:
        """The account, whose password came along: a token alone may have been found or stolen."""
        user = self.get_object()
        services.check_current_password(user, self.read(ProofSerializer)["current_password"])
        return user

    @extend_schema(
        operation_id="sign_up", tags=["accounts"], auth=[], request=SignUpSerializer,
        responses={202: MailedSerializer} | problems("weak_password", body=True),
    )  # fmt: skip
    def create(self, request):
        """Sign up. A mail with a key follows; until it was used nobody can sign in."""
        data = self.read(SignUpSerializer)
        rate_limits.hit("SIGN_UP_PER_IP", rate_limits.client_ip(request))
        services.sign_up(request=self.http_request, **data)
        return mailed(data["email"])

    @extend_schema(
        operation_id="verify_email", tags=["accounts"], auth=[], request=VerifyEmailSerializer,
        responses={200: UserSerializer} | problems("invalid_key", body=True),
    )  # fmt: skip
    @action(detail=False, methods=["post"], url_path="verify-email")
    def verify_email(self, request):
        """Prove a mailbox with the key that was mailed to it."""
        user = services.verify_email(request=self.http_request, **self.read(VerifyEmailSerializer))
        return Response(UserSerializer(user).data)

    @extend_schema(
        operation_id="verify_again", tags=["accounts"], auth=[], request=MailMeSerializer,
        responses={202: MailedSerializer} | problems(body=True),
    )  # fmt: skip
    @action(detail=False, methods=["post"], url_path="verify-email/again")
    def verify_again(self, request):
        """Have the key that proves a mailbox mailed once more; the same answer for every address."""
        email = self.read(MailMeSerializer)["email"]
        services.verify_again(request=self.http_request, email=email)
        return mailed(email)

    @extend_schema(
        operation_id="ask_for_reset", tags=["accounts"], auth=[], request=MailMeSerializer,
        responses={202: MailedSerializer} | problems(body=True),
    )  # fmt: skip
    @action(detail=False, methods=["post"], url_path="reset-password")
    def ask_for_reset(self, request):
        """Have a key mailed that sets a new password, for an hour; the same answer for every address."""
        email = self.read(MailMeSerializer)["email"]
        services.ask_for_reset(request=self.http_request, email=email)
        return mailed(email)

    @extend_schema(
        operation_id="reset_password", tags=["accounts"], auth=[], request=ResetPasswordSerializer,
        responses={204: None} | problems("invalid_key", "weak_password", body=True),
    )  # fmt: skip
    @action(detail=False, methods=["post"], url_path="reset-password/confirm")
    def reset_password(self, request):
        """Set a new password with a mailed key, once. Ends every token; sign in with the new password."""
        services.reset_password(request=self.http_request, **self.read(ResetPasswordSerializer))
        return Response(status=204)

    @extend_schema(
        operation_id="login", tags=["accounts"], auth=[], request=LoginSerializer,
        responses={200: TokenSerializer}
        | problems("invalid_credentials", "otp_required", "wrong_otp", body=True),
    )  # fmt: skip
    @action(detail=False, methods=["post"])
    def login(self, request):
        """Sign in: a token for 24 hours. An account with a second factor takes its code along."""
        user, second_factor = services.sign_in(request=self.http_request, **self.read(LoginSerializer))
        token = issue_token(user, second_factor=second_factor)
        said = {
            "token": str(token),
            "token_type": "Bearer",
            "expires_at": datetime.fromtimestamp(token["exp"], UTC),
            "user": user,
        }
        return Response(TokenSerializer(said).data)

    @extend_schema(
        operation_id="logout", tags=["accounts"], request=None,
        responses={204: None} | problems("not_authenticated"),
    )  # fmt: skip
    @action(detail=False, methods=["post"])
    def logout(self, request):
        """End every token of this account, on all devices."""
        end_tokens(request.user)
        return Response(status=204)

    @extend_schema(
        operation_id="me", tags=["accounts"], responses={200: UserSerializer} | problems("not_authenticated")
    )
    @action(detail=False, methods=["get"])
    def me(self, request):
        """Who this token signs in."""
        return Response(UserSerializer(request.user).data)

    @extend_schema(
        operation_id="get_user", tags=["accounts"], responses={200: UserSerializer} | problems(*OWN)
    )
    def retrieve(self, request, pk=None):
        """Yourself; anybody else is a 404."""
        return Response(UserSerializer(self.get_object()).data)

    @extend_schema(
        operation_id="replace_user", tags=["accounts"], request=ChangeSerializer,
        responses={200: UserSerializer} | CHANGES,
    )  # fmt: skip
    def update(self, request, pk=None, partial=False):
        """Change yourself. A new e-mail address counts once the link mailed to it was opened."""
        user = self.get_object()
        data = self.read(ChangeSerializer, instance=user, partial=partial)
        if "current_password" in data:
            services.check_current_password(user, data["current_password"])
        if "name" in data and data["name"] != user.name:
            user.name = data["name"]
            user.save(update_fields=["name", "updated_at"])
        if "email" in data:
            services.ask_for_new_email(request=self.http_request, user=user, email=data["email"])
        if "password" in data:
            services.change_password(
                user=user, current_password=data["current_password"], password=data["password"]
            )
            get_adapter(request).send_notification_mail("account/email/password_changed", user)
        return Response(UserSerializer(user).data)

    @extend_schema(
        operation_id="change_user", tags=["accounts"], request=ChangeSerializer(partial=True),
        responses={200: UserSerializer} | CHANGES,
    )  # fmt: skip
    def partial_update(self, request, pk=None):
        """Change some of yourself; see PUT."""
        return self.update(request, pk=pk, partial=True)


def mailed(email: str) -> Response:
    """202: whatever there is to say is in the mailbox, and nowhere else."""
    detail = _("Please open the link in the mail that we have sent you.")
    return Response(MailedSerializer({"email": email, "detail": detail}).data, status=202)
