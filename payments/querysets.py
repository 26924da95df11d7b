"""Querysets of payments: named conditions on their rows."""

from datetime import timedelta

from ticketsuma import clock
from ticketsuma.kept_queries import insert
from ticketsuma.querysets import DatedQuerySet

# Who writes a `requested` invoice asks the node at once; after this the worker asks instead.
REQUEST_LEASE = timedelta(seconds=15)


class InvoiceQuerySet(DatedQuerySet):
    def live(self):
        return self.filter(status__in=self.model.LIVE)

    def leftover(self):
        """Open invoices of what is paid: the worker has the node cancel them."""
        return self.filter(status="open", next_attempt_at__isnull=False)

    def create_requested(self, payment, *, kind="lightning", payer="", slot="", wait=REQUEST_LEASE):
        """Note that an invoice is wanted; its writer has `wait` to ask the node before the worker does.

        Without a `slot` it follows from the payer. Call it inside a transaction. Of two at once for one
        slot the second gets IntegrityError.
        """
        invoice = self.model(
            payment=payment, kind=kind, payer=payer, slot=slot or payment.slot_of(payer),
            **self.model.scheduled(clock.now() + wait),
        )  # fmt: skip
        insert([invoice])
        return invoice
