"""Second factors for tests: an app whose codes allauth computes itself."""

import time

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth

from accounts.models import User


class App:
    """An authenticator app set up for `user`, with recovery codes; each `code()` is one not given before."""

    def __init__(self, user: User):
        self.secret, self._last = auth.generate_totp_secret(), 0
        auth.TOTP.activate(user, self.secret)
        self.recovery_codes = RecoveryCodes.activate(user).get_unused_codes()

    def code(self) -> str:
        now = int(time.time()) // 30
        self._last = max(now, self._last + 1)
        assert self._last <= now + 1, "two codes are left at a time: move the clock"
        return code_at(self.secret, self._last)


def code_at(secret: str, counter: int) -> str:
    return auth.format_hotp_value(auth.hotp_value(secret, counter))


def wrong_code(secret: str) -> str:
    """One that is not good now."""
    now = int(time.time()) // 30
    good = {code_at(secret, now + step) for step in range(-2, 3)}
    return next(code for code in map("{:06}".format, range(10)) if code not in good)
