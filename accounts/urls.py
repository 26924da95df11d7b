from django.urls import include, path

from .views import confirm_email

urlpatterns = [
    # Pages verify by code; this link is in the mails of the API's sign-up.
    path("confirm-email/<str:key>/", confirm_email, name="account_confirm_email"),
    path("", include("allauth.urls")),
]
