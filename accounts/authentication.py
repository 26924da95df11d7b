"""API tokens: JWTs (RFC 7519) of 24 hours that end at once when their user's `token_epoch` moves on."""

from django.db.models import F
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, Token

from .models import User
from .rate_limits import client_ip, hit

MAX_TOKEN = 2048  # bytes
MAX_ID = 2**63 - 1


class BadToken(AuthenticationFailed):
    default_code = "token_not_valid"
    default_detail = _("This token is not valid, or no longer. Sign in again.")


def issue_token(user: User, *, second_factor: bool = False) -> AccessToken:
    """A token that signs `user` in for JWT's lifetime, or until `end_tokens`.

    `second_factor` says that they gave one just now; without, a token opens no act of staff who need one.
    """
    token = AccessToken.for_user(user)
    token["token_epoch"] = user.token_epoch
    token["second_factor"] = second_factor
    return token


def end_tokens(user: User) -> None:
    """No token issued so far is good any more; call it after logout, password or e-mail change."""
    User.objects.filter(pk=user.pk).update(token_epoch=F("token_epoch") + 1)
    user.refresh_from_db(fields=["token_epoch"])


class TokenAuthentication(JWTAuthentication):
    """`Authorization: Bearer <token>`. No header is an anonymous request; a bad one is 401 everywhere."""

    def authenticate(self, request):
        header = self.get_header(request)
        if header is None or not header.lower().startswith(b"bearer"):
            return None
        try:
            return self._authenticate(header)
        except BadToken:
            hit("BAD_TOKEN_PER_IP", client_ip(request))
            raise

    def _authenticate(self, header: bytes):
        scheme, *rest = header.split()
        if scheme.lower() != b"bearer" or len(rest) != 1 or len(rest[0]) > MAX_TOKEN:
            raise BadToken
        token = self.get_validated_token(rest[0])
        return self.get_user(token), token

    def get_validated_token(self, raw_token: bytes) -> AccessToken:
        try:
            return AccessToken(raw_token)  # type: ignore[arg-type]  # theirs names a class, and reads bytes
        except (TokenError, ValueError, TypeError, OverflowError, OSError):
            # Claims may hold anything; some of it fails outside the library's own checks.
            raise BadToken from None

    def get_user(self, token: Token) -> User:  # type: ignore[override]  # theirs may be of any model
        user_id, epoch = str(token.get("user_id")), token.get("token_epoch")
        if not (user_id.isascii() and user_id.isdecimal()) or len(user_id) > 19 or int(user_id) > MAX_ID:
            raise BadToken
        user = User.objects.filter(pk=int(user_id), is_active=True).first()
        if user is None or type(epoch) is not int or epoch != user.token_epoch:
            raise BadToken
        user.by_token_alone = token.get("second_factor") is not True
        return user
