from django.contrib.sitemaps.views import sitemap
from django.urls import path

from accounts.limits import costly

from . import covers, crawlers, share, views

urlpatterns = [
    path("", views.event_list, name="events"),
    path("media/covers/<str:name>", covers.cover, name="cover"),
    path("share/<int:event_id>.jpg", share.share_picture, name="share_picture"),
    path("robots.txt", crawlers.robots),
    path("sitemap.xml", costly(sitemap), {"sitemaps": {"events": crawlers.EventSitemap}}),
    path("posters/<int:seed>.svg", views.poster, name="poster"),
    path("events/<slug:slug>/calendar.ics", views.event_calendar, name="event_calendar"),
]
