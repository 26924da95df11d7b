from django.contrib.sitemaps.views import sitemap
from django.urls import path

from accounts.rate_limits import costly

from . import covers, share_images, sitemaps, team_views, views

urlpatterns = [
    path("", views.event_list, name="events"),
    path("media/covers/<str:name>", covers.cover, name="cover"),
    path("share/<int:event_id>.jpg", share_images.share_picture, name="share_picture"),
    path("robots.txt", sitemaps.robots),
    path("sitemap.xml", costly(sitemap), {"sitemaps": sitemaps.SITEMAPS}),
    path("organizers/<slug:slug>", team_views.organizer_page, name="organizer"),
    path("accounts/teams/", team_views.teams, name="teams"),
    path("accounts/invitations/<str:token>", team_views.invitation, name="invitation"),
    path("terms", views.legal_text, {"name": "terms"}, name="terms"),
    path("privacy", views.legal_text, {"name": "privacy"}, name="privacy"),
    path("imprint", views.legal_text, {"name": "imprint"}, name="imprint"),
    path("posters/<int:seed>.svg", views.poster, name="poster"),
    path("events/<slug:slug>/calendar.ics", views.event_calendar, name="event_calendar"),
]
