"""Rows of a new order: its lines, at the prices of a basket, and a ticket for each seat."""

from events.baskets import Basket
from payments.quotes import Quote
from tickets.models import Answer, Order, OrderLine, Ticket
from ticketsuma.kept_queries import insert


def write_down(order: Order, basket: Basket, quote: Quote, *, is_gift: bool = False) -> None:
    """Give an order that is not saved yet its lines and what is quoted for it; a gift is discounted whole."""
    order.lines_in_hand = [
        OrderLine(
            order=order, type=line.type, quantity=line.quantity, price=line.price,
            discount=line.price * line.quantity if is_gift else line.discount, admits=line.type.admits,
        )
        for line in basket.lines
    ]  # fmt: skip
    order.quantity, order.promo_code = basket.quantity, basket.code
    order.quote_in_hand, order.price_sats = quote, -(-quote.amount_sats // basket.quantity)


def write_rows(order: Order) -> None:
    """Insert an order with its lines, tickets and answers; it has them in hand."""
    lines = order.lines_in_hand or []
    insert([order])
    insert(lines)
    line_of_each = [line for line in lines for _seat in range(line.quantity)]
    order.tickets_in_hand = [
        Ticket(order=order, line=line, number=number, holder_name=order.name if number == 1 else "")
        for number, line in enumerate(line_of_each, 1)
    ]
    insert(order.tickets_in_hand)
    Answer.objects.bulk_create(order.answers_in_hand or [])
