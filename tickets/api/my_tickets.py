"""One's own tickets in the API, which apps keep in step by their ETag."""

from django.http import Http404
from django.utils.decorators import method_decorator
from django.views.decorators.http import conditional_page
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.permissions import IsAuthenticated

from tickets.models import Ticket
from tickets.services.personal_data import orders_for_user
from ticketsuma.api.schema import problems
from ticketsuma.api.viewsets import ApiViewSet

from .serializers import MyTicketSerializer


@extend_schema_view(
    list=extend_schema(
        operation_id="my_tickets",
        description="The tickets of one person, newest first. The ETag of an earlier answer in "
        "`If-None-Match` gets 304 while nothing has changed.",
        tags=["accounts"],
        responses={200: MyTicketSerializer(many=True)}
        | problems("not_authenticated", "not_found", "invalid"),
    )
)
@method_decorator(conditional_page, name="dispatch")
class MyTicketViewSet(mixins.ListModelMixin, ApiViewSet):
    """The tickets of one person, newest first; for that person.

    Carries an ETag: an app that sends it in `If-None-Match` gets 304 while nothing has changed.
    """

    queryset = Ticket.objects.none()
    serializer_class = MyTicketSerializer
    permission_classes = [IsAuthenticated]

    def get_queryset(self):
        user = self.request.user
        if int(self.kwargs["user_id"]) != user.pk:
            raise Http404
        # Keys, not a subquery: for a page, PostgreSQL would look through the newest orders of everybody.
        mine = list(orders_for_user(user).values_list("pk", flat=True))
        return (
            Ticket.objects.filter(order__in=mine)
            .select_related("order__event", "order__payment", "line__type")
            .prefetch_related("order__payment__invoices")
            .order_by("-order__created_at", "order_id", "number")
        )

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.status_code == 200:
            response.headers["Cache-Control"] = "private, no-cache"  # kept by the app, and asked about
            response.headers["Vary"] = "Accept, Authorization, Origin"
        return response
