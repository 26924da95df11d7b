from django.urls import path

from . import ticket_views, views

urlpatterns = [
    path("events/<slug:slug>", views.event_page, name="event"),
    path("events/<int:event_id>/buy", views.buy, name="buy"),
    path("orders/<str:token>", views.order, name="order"),
    path("orders/<str:token>/status", views.order_status, name="order_status"),
    path("orders/<str:token>/live", views.order_live, name="order_live"),
    path("orders/<str:token>/cancel", views.order_cancel, name="order_cancel"),
    path("orders/<str:token>/address", views.order_address, name="order_address"),
    path("tickets/<str:token>", ticket_views.ticket, name="ticket"),
    path("tickets/<str:token>/calendar.ics", ticket_views.ticket_calendar, name="ticket_calendar"),
    path("tickets/<str:token>/stream", ticket_views.stream, name="stream"),
    path("find", ticket_views.find_tickets, name="find_tickets"),
]
