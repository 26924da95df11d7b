"""Settings of allauth's second factors; those that an operator may set are in `ticketsuma.settings`."""

MFA_ADAPTER = "accounts.second_factor_adapter.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "accounts.second_factor_forms.CodeForm",
    "reauthenticate": "accounts.second_factor_forms.CodeAgainForm",
    "activate_totp": "accounts.second_factor_forms.ActivateAppForm",
    "add_webauthn": "accounts.second_factor_forms.AddPasskeyForm",
    "edit_webauthn": "accounts.second_factor_forms.RenamePasskeyForm",
    "authenticate_webauthn": "accounts.second_factor_forms.PasskeyForm",
    "reauthenticate_webauthn": "accounts.second_factor_forms.PasskeyAgainForm",
    "login_webauthn": "accounts.second_factor_forms.SignInByPasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_TOLERANCE = 1  # the code before and after: clocks differ, and people type slowly (RFC 6238 5.2)
MFA_RATE_LIMITS = False
# Nobody signs in before their mailbox is proven, so an address not proven yet is a new one of theirs.
MFA_ALLOW_UNVERIFIED_EMAIL = True
