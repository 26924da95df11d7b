from django.urls import path

from .pocket import views as pocket
from .views import again as again  # an act of the page of an order whose hold has ended
from .views import answers as answers  # acts of the pages of orders and tickets
from .views import buying, check_in, mailbox_proof, orders, refunds, stream, voiding
from .views import email as email  # an act of the order's page, which needs no address of its own
from .views import tickets as ticket_views
from .views import wallet as wallet  # acts of the order's page

urlpatterns = [
    path("sw.js", pocket.worker, name="service_worker"),
    path("manifest.webmanifest", pocket.manifest, name="manifest"),
    path("offline", pocket.offline, name="offline"),
    path("offline/tickets", pocket.kept_tickets, name="kept_tickets"),
    path("events/<slug:slug>", buying.event_page, name="event"),
    path("events/preview/<str:token>", buying.preview_page, name="event_preview"),
    path("events/<int:event_id>/buy", buying.buy, name="buy"),
    path("orders/<str:token>", orders.order, name="order"),
    path("orders/<str:token>/status", orders.order_status, name="order_status"),
    path("orders/<str:token>/live", orders.order_live, name="order_live"),
    path("orders/<str:token>/cancel", orders.order_cancel, name="order_cancel"),
    path("orders/<str:token>/address", orders.order_address, name="order_address"),
    path("orders/<str:token>/check", refunds.order_check, name="order_check"),
    path("orders/<str:token>/refund-address", refunds.refund_address, name="refund_address"),
    path("orders/<str:token>/money-back", refunds.money_back, name="money_back"),
    path("orders/<str:token>/give-back", voiding.give_back_page, name="give_back"),
    path("orders/<str:token>/calendar.ics", ticket_views.order_calendar, name="order_calendar"),
    path("seats/<str:token>", mailbox_proof.confirm, name="confirm_mailbox"),
    path("paid", refunds.paid, name="paid"),
    path("tickets/<str:token>", ticket_views.ticket, name="ticket"),
    path("tickets/<str:token>/calendar.ics", ticket_views.ticket_calendar, name="ticket_calendar"),
    path("tickets/<str:token>/ticket.pdf", ticket_views.ticket_file, name="ticket_file"),
    path("tickets/<str:token>/holder", ticket_views.ticket_holder, name="ticket_holder"),
    path("tickets/<str:token>/stream", stream.stream, name="stream"),
    path("tickets/<str:token>/stream/join", stream.stream_join, name="stream_join"),
    path("tickets/<str:token>/stream/here", stream.stream_here, name="stream_here"),
    path("tickets/<str:token>/stream/status", stream.stream_status, name="stream_status"),
    path("room/<str:text>", stream.room, name="room"),
    path("door", check_in.doors, name="doors"),
    path("door/<int:event_id>", check_in.door_page, name="door"),
    path("door/<int:event_id>/guests", check_in.guests_page, name="door_guests"),
    path("find", ticket_views.find_tickets, name="find_tickets"),
]
