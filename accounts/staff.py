"""Users made by an operator, who vouches for their address: no confirmation mail is sent."""

from allauth.account.models import EmailAddress
from django.db import transaction

from .history import record
from .models import User, normalize_email


def save_verified_user(*, email: str, password: str, name: str = "") -> tuple[User, bool]:
    """There is an active user of this e-mail, verified, with this password; and whether they are new.

    An existing user keeps their name when `name` is empty, and is signed out everywhere: pages by
    the new password, the API by the raised epoch. Two at once: the second gets IntegrityError.
    """
    email = normalize_email(email)
    with transaction.atomic():
        user = User.objects.select_for_update().filter(email=email).first()
        is_new = user is None
        user = user or User(email=email)
        user.name, user.is_active = name or user.name, True
        user.token_epoch += 0 if is_new else 1
        user.set_password(password)
        user.save()
        # allauth compares addresses without regard to case, and allows one primary address each.
        EmailAddress.objects.filter(user=user, primary=True).exclude(email=email).update(primary=False)
        EmailAddress.objects.update_or_create(
            user=user, email=email, defaults={"verified": True, "primary": True}
        )
        record("save_staff", user)
    return user, is_new
