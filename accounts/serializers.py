"""Serializers of accounts: fields of users, and the bodies of the account endpoints."""

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from ticketsuma.api.fields import (
    PersonNameSerializerField,
    SingleLineField,
    StrictCharField,
    StrictEmailField,
    StrictSerializer,
)

from .models import User

MAX_PASSWORD = 128
MAX_KEY = 200
MAX_OTP = 40


class Password(StrictCharField):
    """Bounded before it is hashed; taken as it is, spaces included."""

    def __init__(self, **kwargs):
        style = {"max_length": MAX_PASSWORD, "trim_whitespace": False, "write_only": True}
        super().__init__(**style | kwargs)


# -- in ---------------------------------------------------------------------------------------
class SignUpSerializer(StrictSerializer):
    email = StrictEmailField()
    password = Password(help_text="At least 10 characters, not a common password.")
    name = PersonNameSerializerField(required=False, allow_blank=True, default="")


class VerifyEmailSerializer(StrictSerializer):
    key = SingleLineField(max_length=MAX_KEY, help_text="The last part of the mailed link.")


class MailMeSerializer(StrictSerializer):
    email = StrictEmailField()


class ResetPasswordSerializer(StrictSerializer):
    key = SingleLineField(max_length=MAX_KEY, help_text="The last part of the mailed link.")
    password = Password(help_text="At least 10 characters, not a common password.")


class LoginSerializer(StrictSerializer):
    email = StrictEmailField()
    password = Password()
    otp = SingleLineField(
        max_length=MAX_OTP, required=False, allow_blank=True, default="",
        help_text="For an account with a second factor: the code of its app, or a recovery code.",
    )  # fmt: skip


class ChangeSerializer(StrictSerializer):
    """What people may change about themselves; a new address or password takes the current password."""

    name = PersonNameSerializerField(allow_blank=True)
    email = StrictEmailField(
        help_text="Counts once the link mailed to it was opened; until then the old one stays."
    )
    password = Password(required=False, help_text="A new password ends every token.")
    current_password = Password(required=False, help_text="Needed for a new e-mail address or password.")

    instance: User

    def validate(self, data: dict) -> dict:
        changes_email = data.get("email", self.instance.email).lower() != self.instance.email
        if (changes_email or "password" in data) and "current_password" not in data:
            raise serializers.ValidationError(
                {"current_password": _("We need your current password for that.")}, code="required"
            )
        return data


class ProofSerializer(StrictSerializer):
    current_password = Password(help_text="A token alone is not enough for that.")


# -- out --------------------------------------------------------------------------------------
class UserSerializer(serializers.ModelSerializer):
    user_id = serializers.IntegerField(source="pk", read_only=True)
    is_staff = serializers.BooleanField(read_only=True)

    class Meta:
        model = User
        fields = ["id", "user_id", "email", "name", "is_staff", "created_at", "updated_at"]
        read_only_fields = fields


class TokenSerializer(serializers.Serializer):
    token = serializers.CharField(help_text="Send it as `Authorization: Bearer <token>`.")
    token_type = serializers.CharField(help_text="Always Bearer.")
    expires_at = serializers.DateTimeField()
    user = UserSerializer()


class MailedSerializer(serializers.Serializer):
    """The same answer whether or not the address has an account."""

    email = serializers.EmailField()
    detail = serializers.CharField()
