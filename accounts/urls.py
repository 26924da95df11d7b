from django.urls import include, path

from .views import confirm_email, second_factors, sessions_page, sign_in_link

urlpatterns = [
    # Pages verify by code; this link is in the mails of the API's sign-up.
    path("confirm-email/<str:key>/", confirm_email, name="account_confirm_email"),
    path("link/<str:key>/", sign_in_link, name="sign_in_link"),
    path("sessions/", sessions_page, name="sessions_page"),
    path("2fa/", second_factors, name="mfa_index"),
    path("", include("allauth.urls")),
]
