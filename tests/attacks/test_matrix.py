"""B01, B02, B09: authorization. Five roles × every endpoint; an endpoint without a line here fails.

The stranger, the owner and staff are signed in (by token in the API, by session on pages). The guest has
no account, but the token of an order of their own, and sends it along wherever the API would read it.
A write carries an empty body unless the line has one: 400 (API) or 422 (page) then means "you may".
"""

import pytest

from tests.attacks.attacker import assert_no_insides
from tests.attacks.cast import ROLES, make_cast
from tests.attacks.endpoints import endpoints
from tests.attacks.shop import PASSWORD

NOBODY = "0" * 8 + "-0000-4000-8000-" + "0" * 12
EVENT = {
    "title": "Made by staff", "start_time": "2030-01-01T10:00:00Z", "end_time": "2030-01-01T12:00:00Z",
    "capacity": 5, "price_sats": 0, "is_active": False,
}  # fmt: skip

QUOTE = {"items": [{"ticket_type_id": 2**62, "quantity": 1}]}
PROOF = {"current_password": PASSWORD}

# fmt: off
API = [
    # endpoint, path to ask for                                      nobody stranger guest owner staff
    ("GET /api/events", "/api/events",                                 (200, 200, 200, 200, 200)),
    ("POST /api/events", "/api/events",                                (401, 403, 401, 403, 400)),
    ("POST /api/events", "/api/events", EVENT,                         (401, 403, 401, 403, 201)),
    ("GET /api/events/{pk}", "/api/events/{event}",                    (200, 200, 200, 200, 200)),
    ("GET /api/events/{pk}", "/api/events/{hidden}",                   (404, 404, 404, 404, 200)),
    ("POST /api/exports", "/api/exports",                              (401, 403, 401, 403, 400)),
    ("PUT /api/events/{pk}", "/api/events/{event}",                    (401, 403, 401, 403, 400)),
    ("PATCH /api/events/{pk}", "/api/events/{event}",                  (401, 403, 401, 403, 200)),
    ("DELETE /api/events/{pk}", "/api/events/{event}",                 (401, 403, 401, 403, 409)),
    ("POST /api/events/{pk}/quote", "/api/events/{event}/quote",       (400, 400, 400, 400, 400)),
    ("POST /api/events/{pk}/quote", "/api/events/{event}/quote", QUOTE, (400, 400, 400, 400, 400)),
    ("GET /api/events/{event_id}/ticket-types", "/api/events/{event}/ticket-types",
                                                                       (401, 403, 401, 403, 200)),
    ("POST /api/events/{event_id}/ticket-types", "/api/events/{event}/ticket-types",
                                                                       (401, 403, 401, 403, 400)),
    ("GET /api/events/{event_id}/ticket-types/{pk}", "/api/events/{event}/ticket-types/{type}",
                                                                       (401, 403, 401, 403, 200)),
    ("GET /api/events/{event_id}/ticket-types/{pk}", "/api/events/{hidden}/ticket-types/{type}",
                                                                       (401, 403, 401, 403, 404)),
    ("PUT /api/events/{event_id}/ticket-types/{pk}", "/api/events/{event}/ticket-types/{type}",
                                                                       (401, 403, 401, 403, 400)),
    ("PATCH /api/events/{event_id}/ticket-types/{pk}", "/api/events/{event}/ticket-types/{type}",
                                                                       (401, 403, 401, 403, 200)),
    ("DELETE /api/events/{event_id}/ticket-types/{pk}", "/api/events/{event}/ticket-types/{type}",
                                                                       (401, 403, 401, 403, 409)),
    ("POST /api/tickets/purchase", "/api/tickets/purchase",            (400, 400, 400, 400, 400)),
    ("GET /api/tickets/{pk}/status", "/api/tickets/{ticket}/status",   (200, 200, 200, 200, 200)),
    ("POST /api/tickets/{pk}/join", "/api/tickets/{ticket}/join",      (404, 404, 404, 404, 404)),
    ("POST /api/tickets/validate", "/api/tickets/validate",            (400, 400, 400, 400, 400)),
    ("POST /api/tickets/check-in", "/api/tickets/check-in",            (401, 403, 401, 403, 400)),
    ("GET /api/orders/{pk}", "/api/orders/{order}",                    (404, 404, 404, 200, 404)),
    ("GET /api/orders/{pk}", "/api/orders/{guests}",                   (404, 404, 200, 404, 404)),
    ("GET /api/orders/{pk}", f"/api/orders/{NOBODY}",                  (404, 404, 404, 404, 404)),
    ("POST /api/orders/{pk}/cancel", "/api/orders/{paid}/cancel",      (404, 404, 404, 200, 404)),
    ("POST /api/orders/{pk}/cancel", "/api/orders/{guests}/cancel",    (404, 404, 200, 404, 404)),
    ("POST /api/orders/{pk}/check", "/api/orders/{order}/check",       (404, 404, 404, 200, 404)),
    ("POST /api/orders/{pk}/check", "/api/orders/{guests}/check",      (404, 404, 200, 404, 404)),
    ("GET /api/orders/{pk}/receipt", "/api/orders/{order}/receipt",    (404, 404, 404, 409, 404)),
    ("GET /api/orders/{pk}/receipt/pdf", "/api/orders/{order}/receipt/pdf", (404, 404, 404, 409, 404)),
    ("POST /api/orders/{pk}/receipt/addressee", "/api/orders/{order}/receipt/addressee",
                                                                       (404, 404, 404, 400, 404)),
    ("POST /api/orders/{pk}/refund-address", "/api/orders/{order}/refund-address",
                                                                       (404, 404, 404, 400, 404)),
    ("POST /api/orders/{pk}/replace-ticket", "/api/orders/{order}/replace-ticket",
                                                                       (404, 404, 404, 400, 404)),
    ("POST /api/orders/{pk}/void-ticket", "/api/orders/{order}/void-ticket",
                                                                       (404, 404, 404, 400, 404)),
    ("POST /api/orders/{pk}/email", "/api/orders/{order}/email",       (404, 404, 404, 400, 404)),
    ("POST /api/orders/{pk}/answers", "/api/orders/{order}/answers",   (404, 404, 404, 400, 404)),
    ("POST /api/orders/{pk}/replace-links", "/api/orders/{guests}/replace-links",
                                                                       (404, 404, 204, 404, 404)),
    ("GET /api/payments/{invoice_id}/status", "/api/payments/{invoice}/status",
                                                                       (401, 404, 401, 200, 404)),
    ("GET /api/users/me", "/api/users/me",                             (401, 200, 401, 200, 200)),
    ("GET /api/users/{pk}", "/api/users/{owner}",                      (401, 404, 401, 200, 404)),
    ("PUT /api/users/{pk}", "/api/users/{owner}",                      (401, 404, 401, 400, 404)),
    ("PATCH /api/users/{pk}", "/api/users/{owner}",                    (401, 404, 401, 200, 404)),
    ("POST /api/users/{pk}/export", "/api/users/{owner}/export",       (401, 404, 401, 400, 404)),
    ("POST /api/users/{pk}/export", "/api/users/{owner}/export", PROOF, (401, 404, 401, 200, 404)),
    ("GET /api/users/{user_id}/tickets", "/api/users/{owner}/tickets", (401, 404, 401, 200, 404)),
    ("POST /api/devices", "/api/devices",                              (401, 400, 401, 400, 400)),
    ("POST /api/devices/forget", "/api/devices/forget",                (401, 400, 401, 400, 400)),
    ("DELETE /api/users/{pk}", "/api/users/{owner}",                   (401, 404, 401, 400, 404)),
    ("DELETE /api/users/{pk}", "/api/users/{owner}", PROOF,            (401, 404, 401, 204, 404)),
    ("POST /api/users", "/api/users",                                  (400, 400, 400, 400, 400)),
    ("POST /api/users/login", "/api/users/login",                      (400, 400, 400, 400, 400)),
    ("POST /api/users/verify-email", "/api/users/verify-email",        (400, 400, 400, 400, 400)),
    ("POST /api/users/verify-email/again", "/api/users/verify-email/again", (400, 400, 400, 400, 400)),
    ("POST /api/users/reset-password", "/api/users/reset-password",    (400, 400, 400, 400, 400)),
    ("POST /api/users/reset-password/confirm", "/api/users/reset-password/confirm",
                                                                       (400, 400, 400, 400, 400)),
    ("POST /api/users/logout", "/api/users/logout",                    (401, 204, 401, 204, 204)),
    ("/api/webhooks/payment", "POST /api/webhooks/payment",            (401, 401, 401, 401, 401)),
    ("/api/webhooks/mail", "POST /api/webhooks/mail",                  (404, 404, 404, 404, 404)),
    ("/api/schema", "GET /api/schema",                                 (200, 200, 200, 200, 200)),
    ("/api/docs", "GET /api/docs",                                     (200, 200, 200, 200, 200)),
    ("/api/", "GET /api/nothing",                                      (404, 404, 404, 404, 404)),
    ("/api/uma/payreq/{reference}", "GET /api/uma/payreq/{reference}", (400, 400, 400, 400, 400)),
    ("/api/uma/payreq/{reference}", "POST /api/uma/payreq/{reference}", (400, 400, 400, 400, 400)),
    ("/api/uma/utxos/{reference}", "POST /api/uma/utxos/{reference}",  (400, 400, 400, 400, 400)),
    ("/api/uma/verify/{payment_hash}", f"GET /api/uma/verify/{'0' * 64}", (404, 404, 404, 404, 404)),
]
# Links are keys: whoever holds one may, whoever is signed in; nobody else, staff and owner included.
# A form sent without the token of its page is refused before anybody looks who sends it. Deleting an
# account takes the password once more.
PAGES = [
    ("/", "GET /",                                                     (200, 200, 200, 200, 200)),
    ("/.well-known/lnurlp/{name}", "GET /.well-known/lnurlp/{reference}", (200, 200, 200, 200, 200)),
    ("/.well-known/lnurlpubkey", "GET /.well-known/lnurlpubkey",       (200, 200, 200, 200, 200)),
    ("/.well-known/uma-configuration", "GET /.well-known/uma-configuration", (200, 200, 200, 200, 200)),
    ("/health", "GET /health",                                         (200, 200, 200, 200, 200)),
    ("/health/live", "GET /health/live",                               (200, 200, 200, 200, 200)),
    ("/terms", "GET /terms",                                           (404, 404, 404, 404, 404)),
    ("/privacy", "GET /privacy",                                       (404, 404, 404, 404, 404)),
    ("/imprint", "GET /imprint",                                       (404, 404, 404, 404, 404)),
    ("/share/{event_id}.jpg", "GET /share/{event}.jpg",                (200, 200, 200, 200, 200)),
    ("/robots.txt", "GET /robots.txt",                                 (200, 200, 200, 200, 200)),
    ("/sitemap.xml", "GET /sitemap.xml",                               (200, 200, 200, 200, 200)),
    ("/posters/{seed}.svg", "GET /posters/7.svg",                      (200, 200, 200, 200, 200)),
    ("/media/covers/{name}", "GET /media/covers/none.webp",            (404, 404, 404, 404, 404)),
    ("/events/{slug}", "GET /events/{slug}",                           (200, 200, 200, 200, 200)),
    ("/events/{slug}", "GET /events/{hidden}",                         (404, 404, 404, 404, 404)),
    ("/events/preview/{token}", "GET /events/preview/{order_link}",    (404, 404, 404, 404, 404)),
    ("/events/{slug}/calendar.ics", "GET /events/{slug}/calendar.ics", (200, 200, 200, 200, 200)),
    ("/events/{slug}", "POST /events/{slug}",                          (403, 403, 403, 403, 403)),
    ("/events/{event_id}/buy", "POST /events/{event}/buy",             (403, 403, 403, 403, 403)),
    ("/organizers/{slug}", "GET /organizers/nobody",                   (404, 404, 404, 404, 404)),
    ("/find", "GET /find",                                             (200, 200, 200, 200, 200)),
    ("/find", "POST /find",                                            (403, 403, 403, 403, 403)),
    ("/language", "POST /language",                                    (403, 403, 403, 403, 403)),
    ("/door", "GET /door",                                             (302, 403, 302, 403, 200)),
    ("/door/{event_id}", "GET /door/{event}",                          (302, 403, 302, 403, 200)),
    ("/door/{event_id}", "POST /door/{event}",                         (403, 403, 403, 403, 403)),
    ("/door/{event_id}/guests", "GET /door/{event}/guests",            (302, 403, 302, 403, 200)),
    ("/door/{event_id}/offline", "GET /door/{event}/offline",          (302, 403, 302, 403, 200)),
    ("/door/{event_id}/list", "POST /door/{event}/list",               (403, 403, 403, 403, 403)),
    ("/door/{event_id}/merge", "POST /door/{event}/merge",             (403, 403, 403, 403, 403)),
    ("/unsubscribe/{token}", "GET /unsubscribe/x:y",                   (404, 404, 404, 404, 404)),
    ("/unsubscribe/{token}", "POST /unsubscribe/x:y",                  (404, 404, 404, 404, 404)),
    ("/seats/{token}", "GET /seats/{order_link}",                      (404, 404, 404, 404, 404)),
    ("/seats/{token}", "POST /seats/{order_link}",                     (403, 403, 403, 403, 403)),
    ("/paid", "GET /paid",                                             (200, 200, 200, 200, 200)),
    ("/paid", "POST /paid",                                            (403, 403, 403, 403, 403)),
    ("/door", "GET /door",                                             (302, 403, 302, 403, 200)),
    ("/door/{event_id}", "GET /door/{event}",                          (302, 403, 302, 403, 200)),
    ("/door/{event_id}", "POST /door/{event}",                         (403, 403, 403, 403, 403)),
    ("/me", "GET /me",                                                 (302, 200, 302, 200, 200)),
    ("/me/account", "GET /me/account",                                 (302, 200, 302, 200, 200)),
    ("/me/account", "POST /me/account",                                (403, 403, 403, 403, 403)),
    ("/me/wallet", "GET /me/wallet",                                   (302, 200, 302, 200, 200)),
    ("/me/wallet", "POST /me/wallet",                                  (403, 403, 403, 403, 403)),
    ("/manifest.webmanifest", "GET /manifest.webmanifest",             (200, 200, 200, 200, 200)),
    ("/sw.js", "GET /sw.js",                                           (200, 200, 200, 200, 200)),
    ("/offline", "GET /offline",                                       (200, 200, 200, 200, 200)),
    ("/offline/tickets", "POST /offline/tickets",                      (400, 400, 400, 400, 400)),
    ("/push", "POST /push",                                            (403, 403, 403, 403, 403)),
    ("/me/data", "GET /me/data",                                       (302, 302, 302, 302, 302)),
    ("/me/delete", "GET /me/delete",                                   (302, 302, 302, 302, 302)),
    ("/me/delete", "POST /me/delete",                                  (403, 403, 403, 403, 403)),
    ("/orders/{token}", "GET /orders/{order_link}",                    (200, 200, 200, 200, 200)),
    ("/orders/{token}", "GET /orders/{forged_link}",                   (404, 404, 404, 404, 404)),
    ("/orders/{token}", "GET /orders/{others_link}",                   (404, 404, 404, 404, 404)),
    ("/orders/{token}", "GET /orders/{order}",                         (404, 404, 404, 404, 404)),
    ("/orders/{token}", "GET /orders/{reference}",                     (404, 404, 404, 404, 404)),
    ("/orders/{token}/status", "GET /orders/{order_link}/status",      (200, 200, 200, 200, 200)),
    ("/orders/{token}/status", "GET /orders/{forged_link}/status",     (404, 404, 404, 404, 404)),
    ("/orders/{token}/live", "GET /orders/{order_link}/live",          (200, 200, 200, 200, 200)),
    ("/orders/{token}/live", "GET /orders/{forged_link}/live",         (404, 404, 404, 404, 404)),
    ("/orders/{token}", "POST /orders/{order_link}",                   (403, 403, 403, 403, 403)),
    ("/orders/{token}/cancel", "POST /orders/{order_link}/cancel",     (403, 403, 403, 403, 403)),
    ("/orders/{token}/address", "POST /orders/{order_link}/address",   (403, 403, 403, 403, 403)),
    ("/orders/{token}/check", "POST /orders/{order_link}/check",       (403, 403, 403, 403, 403)),
    ("/orders/{token}/refund-address", "POST /orders/{order_link}/refund-address",
                                                                       (403, 403, 403, 403, 403)),
    ("/orders/{token}/money-back", "POST /orders/{order_link}/money-back", (403, 403, 403, 403, 403)),
    ("/orders/{token}/give-back", "GET /orders/{paid_link}/give-back", (200, 200, 200, 200, 200)),
    ("/orders/{token}/give-back", "GET /orders/{order_link}/give-back", (409, 409, 409, 409, 409)),
    ("/orders/{token}/give-back", "GET /orders/{forged_link}/give-back", (404, 404, 404, 404, 404)),
    ("/orders/{token}/receipt", "GET /orders/{order_link}/receipt",    (302, 302, 302, 302, 302)),
    ("/orders/{token}/receipt", "GET /orders/{paid_link}/receipt",     (302, 302, 302, 302, 302)),
    ("/orders/{token}/receipt", "GET /orders/{forged_link}/receipt",   (404, 404, 404, 404, 404)),
    ("/orders/{token}/receipt", "POST /orders/{paid_link}/receipt",    (403, 403, 403, 403, 403)),
    ("/orders/{token}/receipts/{name}", "GET /orders/{paid_link}/receipts/2000-000001",
                                                                       (404, 404, 404, 404, 404)),
    ("/orders/{token}/receipts/{name}.pdf", "GET /orders/{forged_link}/receipts/2000-000001.pdf",
                                                                       (404, 404, 404, 404, 404)),
    ("/orders/{token}/calendar.ics", "GET /orders/{order_link}/calendar.ics", (200, 200, 200, 200, 200)),
    ("/orders/{token}/calendar.ics", "GET /orders/{forged_link}/calendar.ics", (404, 404, 404, 404, 404)),
    ("/tickets/{token}", "GET /tickets/{ticket_link}",                 (200, 200, 200, 200, 200)),
    ("/tickets/{token}", "GET /tickets/{order_link}",                  (404, 404, 404, 404, 404)),
    ("/tickets/{token}", "GET /tickets/{ticket}",                      (404, 404, 404, 404, 404)),
    ("/tickets/{token}/calendar.ics", "GET /tickets/{ticket_link}/calendar.ics", (200, 200, 200, 200, 200)),
    ("/tickets/{token}/calendar.ics", "GET /tickets/{forged_link}/calendar.ics", (404, 404, 404, 404, 404)),
    ("/tickets/{token}/ticket.pdf", "GET /tickets/{ticket_link}/ticket.pdf", (200, 200, 200, 200, 200)),
    ("/tickets/{token}/ticket.pdf", "GET /tickets/{forged_link}/ticket.pdf", (404, 404, 404, 404, 404)),
    ("/tickets/{token}/stream", "GET /tickets/{ticket_link}/stream",   (200, 200, 200, 200, 200)),
    ("/tickets/{token}/stream", "GET /tickets/{forged_link}/stream",   (404, 404, 404, 404, 404)),
    ("/tickets/{token}/stream/join", "POST /tickets/{ticket_link}/stream/join", (403, 403, 403, 403, 403)),
    ("/room/{text}", "GET /room/forged",                               (410, 410, 410, 410, 410)),
    ("/room/{text}", "POST /room/forged",                              (403, 403, 403, 403, 403)),
    ("/tickets/{token}/stream/here", "POST /tickets/{ticket_link}/stream/here", (403, 403, 403, 403, 403)),
    ("/tickets/{token}/stream/status", "GET /tickets/{ticket_link}/stream/status", (200, 200, 200, 200, 200)),
    ("/tickets/{token}/stream/status", "GET /tickets/{forged_link}/stream/status", (404, 404, 404, 404, 404)),
    ("/tickets/{token}", "POST /tickets/{ticket_link}",                (403, 403, 403, 403, 403)),
    ("/tickets/{token}/holder", "POST /tickets/{ticket_link}/holder",  (403, 403, 403, 403, 403)),
]
# The pages of django-allauth: who is signed in, and who has begun to sign in, reset or verify.
ACCOUNTS = [
    ("/accounts/login/", "GET /accounts/login/",                       (200, 302, 200, 302, 302)),
    ("/accounts/login/", "POST /accounts/login/",                      (403, 403, 403, 403, 403)),
    ("/accounts/login/code/", "GET /accounts/login/code/",             (200, 302, 200, 302, 302)),
    ("/accounts/login/code/confirm/", "GET /accounts/login/code/confirm/", (302, 302, 302, 302, 302)),
    ("/accounts/logout/", "GET /accounts/logout/",                     (302, 200, 302, 200, 200)),
    ("/accounts/logout/", "POST /accounts/logout/",                    (403, 403, 403, 403, 403)),
    ("/accounts/signup/", "GET /accounts/signup/",                     (200, 302, 200, 302, 302)),
    ("/accounts/inactive/", "GET /accounts/inactive/",                 (200, 200, 200, 200, 200)),
    ("/accounts/email/", "GET /accounts/email/",                       (302, 200, 302, 200, 200)),
    ("/accounts/confirm-email/", "GET /accounts/confirm-email/",       (302, 302, 302, 302, 302)),
    ("/accounts/confirm-email/{key}/", "GET /accounts/confirm-email/x/", (200, 200, 200, 200, 200)),
    ("/accounts/link/{key}/", "GET /accounts/link/x/",                 (200, 200, 200, 200, 200)),
    ("/accounts/link/{key}/", "POST /accounts/link/x/",                (403, 403, 403, 403, 403)),
    ("/accounts/invitations/{token}", "GET /accounts/invitations/forged", (410, 410, 410, 410, 410)),
    ("/accounts/invitations/{token}", "POST /accounts/invitations/forged", (403, 403, 403, 403, 403)),
    ("/accounts/reauthenticate/", "GET /accounts/reauthenticate/",     (302, 200, 302, 200, 200)),
    ("/accounts/sessions/", "GET /accounts/sessions/",                 (302, 200, 302, 200, 200)),
    ("/accounts/sessions/", "POST /accounts/sessions/",                (403, 403, 403, 403, 403)),
    ("/accounts/teams/", "GET /accounts/teams/",                      (302, 200, 302, 200, 200)),
    ("/accounts/teams/", "POST /accounts/teams/",                     (403, 403, 403, 403, 403)),
    ("/accounts/2fa/", "GET /accounts/2fa/",                           (302, 200, 302, 200, 200)),
    ("/accounts/2fa/authenticate/", "GET /accounts/2fa/authenticate/", (302, 302, 302, 302, 302)),
    ("/accounts/2fa/reauthenticate/", "GET /accounts/2fa/reauthenticate/", (302, 302, 302, 302, 302)),
    ("/accounts/2fa/totp/activate/", "GET /accounts/2fa/totp/activate/", (302, 302, 302, 302, 302)),
    ("/accounts/2fa/totp/deactivate/", "GET /accounts/2fa/totp/deactivate/", (302, 404, 302, 404, 404)),
    ("/accounts/2fa/recovery-codes/", "GET /accounts/2fa/recovery-codes/", (302, 404, 302, 404, 404)),
    ("/accounts/2fa/recovery-codes/download/", "GET /accounts/2fa/recovery-codes/download/",
                                                                       (302, 404, 302, 404, 404)),
    ("/accounts/2fa/recovery-codes/generate/", "GET /accounts/2fa/recovery-codes/generate/",
                                                                       (302, 302, 302, 302, 302)),
    ("/accounts/2fa/webauthn/", "GET /accounts/2fa/webauthn/",         (302, 200, 302, 200, 200)),
    ("/accounts/2fa/webauthn/add/", "GET /accounts/2fa/webauthn/add/", (302, 302, 302, 302, 302)),
    ("/accounts/2fa/webauthn/login/", "GET /accounts/2fa/webauthn/login/", (302, 302, 302, 302, 302)),
    ("/accounts/2fa/webauthn/login/", "POST /accounts/2fa/webauthn/login/", (403, 403, 403, 403, 403)),
    ("/accounts/2fa/webauthn/reauthenticate/", "GET /accounts/2fa/webauthn/reauthenticate/",
                                                                       (302, 302, 302, 302, 302)),
    ("/accounts/2fa/webauthn/keys/{pk}/edit/", "GET /accounts/2fa/webauthn/keys/1/edit/",
                                                                       (302, 302, 302, 302, 302)),
    ("/accounts/2fa/webauthn/keys/{pk}/remove/", "GET /accounts/2fa/webauthn/keys/1/remove/",
                                                                       (302, 302, 302, 302, 302)),
    ("/accounts/password/change/", "GET /accounts/password/change/",   (302, 200, 302, 200, 200)),
    ("/accounts/password/set/", "GET /accounts/password/set/",         (302, 302, 302, 302, 302)),
    ("/accounts/password/reset/", "GET /accounts/password/reset/",     (200, 200, 200, 200, 200)),
    ("/accounts/password/reset/done/", "GET /accounts/password/reset/done/", (200, 200, 200, 200, 200)),
    ("/accounts/password/reset/key/done/", "GET /accounts/password/reset/key/done/",
                                                                       (200, 200, 200, 200, 200)),
    ("/accounts/password/reset/key/{uidb36}-{key}/", "GET /accounts/password/reset/key/1-x/",
                                                                       (200, 200, 200, 200, 200)),
]
# fmt: on
# Done by one of the roles, these leave nothing to ask for again: they get a cast of their own.
SPENT = (
    "POST /api/orders/{pk}/replace-links",
    "DELETE /api/users/{pk}",
    "POST /api/orders/{pk}/cancel",
    "POST /api/users/logout",
)


def params(lines: list[tuple]):
    for endpoint, path, *body, statuses in lines:
        asked = path if " " in path else f"{endpoint.split()[0]} {path}"
        yield pytest.param(endpoint, asked, *(body or [None]), statuses, id=f"B01 B02 B09 {asked}")


@pytest.fixture(scope="module")
def cast(shop):
    return make_cast(shop, shop.staff)


@pytest.mark.parametrize(("endpoint", "asked", "body", "statuses"), list(params(API + PAGES + ACCOUNTS)))
def test_who_may(shop, cast, endpoint, asked, body, statuses):
    cast = make_cast(shop, shop.people("boss")[0]) if endpoint in SPENT else cast
    answers = {role: cast.ask(role, asked, body) for role in ROLES}
    assert {role: answer.status for role, answer in answers.items()} == dict(
        zip(ROLES, statuses, strict=True)
    )
    for answer in answers.values():
        assert_no_insides(answer)


def test_no_endpoint_is_missing():
    """Whoever adds an endpoint says here who may use it."""
    assert {line[0] for line in API + PAGES + ACCOUNTS} == endpoints()
