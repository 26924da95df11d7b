from django.urls import path

from . import covers, views

urlpatterns = [
    path("", views.event_list, name="events"),
    path("media/covers/<str:name>", covers.cover, name="cover"),
    path("posters/<int:seed>.svg", views.poster, name="poster"),
    path("events/<slug:slug>/calendar.ics", views.event_calendar, name="event_calendar"),
]
