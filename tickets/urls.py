from django.urls import path

from . import door_views, mailbox_views, money_views, room_views, ticket_views, views

# acts of the order's page, which need no address of their own
from . import email_views as email_views
from . import void_views as void_views

urlpatterns = [
    path("events/<slug:slug>", views.event_page, name="event"),
    path("events/<int:event_id>/buy", views.buy, name="buy"),
    path("orders/<str:token>", views.order, name="order"),
    path("orders/<str:token>/status", views.order_status, name="order_status"),
    path("orders/<str:token>/live", views.order_live, name="order_live"),
    path("orders/<str:token>/cancel", views.order_cancel, name="order_cancel"),
    path("orders/<str:token>/address", views.order_address, name="order_address"),
    path("orders/<str:token>/check", money_views.order_check, name="order_check"),
    path("orders/<str:token>/refund-address", money_views.refund_address, name="refund_address"),
    path("orders/<str:token>/money-back", money_views.money_back, name="money_back"),
    path("orders/<str:token>/calendar.ics", ticket_views.order_calendar, name="order_calendar"),
    path("seats/<str:token>", mailbox_views.confirm, name="confirm_mailbox"),
    path("paid", money_views.paid, name="paid"),
    path("tickets/<str:token>", ticket_views.ticket, name="ticket"),
    path("tickets/<str:token>/calendar.ics", ticket_views.ticket_calendar, name="ticket_calendar"),
    path("tickets/<str:token>/ticket.pdf", ticket_views.ticket_file, name="ticket_file"),
    path("tickets/<str:token>/holder", ticket_views.ticket_holder, name="ticket_holder"),
    path("tickets/<str:token>/stream", room_views.stream, name="stream"),
    path("tickets/<str:token>/stream/join", room_views.stream_join, name="stream_join"),
    path("tickets/<str:token>/stream/here", room_views.stream_here, name="stream_here"),
    path("tickets/<str:token>/stream/status", room_views.stream_status, name="stream_status"),
    path("room/<str:text>", room_views.room, name="room"),
    path("door", door_views.doors, name="doors"),
    path("door/<int:event_id>", door_views.door_page, name="door"),
    path("find", ticket_views.find_tickets, name="find_tickets"),
]
