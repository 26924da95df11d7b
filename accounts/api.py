"""Accounts in the API: sign up, verify, sign in, change, leave."""

from datetime import UTC, datetime

from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.response import Response

from . import limits, services
from .models import User
from .serializers import (
    ChangeSerializer,
    LoginSerializer,
    MailedSerializer,
    SignUpSerializer,
    TokenSerializer,
    UserSerializer,
    VerifyEmailSerializer,
)
from .tokens import end_tokens, issue_token

FOR_ANYBODY = {"create", "login", "verify_email"}


class UserViewSet(viewsets.GenericViewSet):
    """People see and change themselves; anybody else's account is a 404."""

    serializer_class = UserSerializer
    lookup_value_regex = "[0-9]{1,18}"

    def get_permissions(self):
        return [AllowAny() if self.action in FOR_ANYBODY else IsAuthenticated()]

    def get_object(self) -> User:
        if int(self.kwargs["pk"]) != self.request.user.pk:
            raise Http404
        return self.request.user

    def read(self, serializer_class, **more) -> dict:
        serializer = serializer_class(data=self.request.data, **more)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def create(self, request):
        """Sign up. A mail with a key follows; until it was used nobody can sign in."""
        data = self.read(SignUpSerializer)
        limits.spend("SIGN_UP_PER_IP", limits.client_ip(request))
        services.sign_up(request=request._request, **data)
        detail = _("Please open the link in the mail that we have sent you.")
        return Response(MailedSerializer({"email": data["email"], "detail": detail}).data, status=202)

    @action(detail=False, methods=["post"], url_path="verify-email")
    def verify_email(self, request):
        """Prove a mailbox with the key that was mailed to it."""
        user = services.verify_email(request=request._request, **self.read(VerifyEmailSerializer))
        return Response(UserSerializer(user).data)

    @action(detail=False, methods=["post"])
    def login(self, request):
        """Sign in: a token for 24 hours."""
        user = services.sign_in(request=request._request, **self.read(LoginSerializer))
        token = issue_token(user)
        said = {
            "token": str(token),
            "token_type": "Bearer",
            "expires_at": datetime.fromtimestamp(token["exp"], UTC),
            "user": user,
        }
        return Response(TokenSerializer(said).data)

    @action(detail=False, methods=["post"])
    def logout(self, request):
        """End every token of this account, on all devices."""
        end_tokens(request.user)
        return Response(status=204)

    @action(detail=False, methods=["get"])
    def me(self, request):
        return Response(UserSerializer(request.user).data)

    def retrieve(self, request, pk=None):
        return Response(UserSerializer(self.get_object()).data)

    def update(self, request, pk=None, partial=False):
        user = self.get_object()
        data = self.read(ChangeSerializer, instance=user, partial=partial)
        if "current_password" in data:
            services.check_current_password(user, data["current_password"])
        if "name" in data and data["name"] != user.name:
            user.name = data["name"]
            user.save(update_fields=["name", "updated_at"])
        if "email" in data:
            services.ask_for_new_email(request=request._request, user=user, email=data["email"])
        if "password" in data:
            services.change_password(
                user=user, current_password=data["current_password"], password=data["password"]
            )
        return Response(UserSerializer(user).data)

    def partial_update(self, request, pk=None):
        return self.update(request, pk=pk, partial=True)
