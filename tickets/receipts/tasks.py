"""Work of receipts for the worker: drawing them, and forgetting whom the old ones were made out to."""

from ticketsuma.jobs.registry import registry

from .addressees import forget_addressees
from .drawing import draw_due, draw_recent

WHOLE_SECONDS = 600  # two thousand at a time, of what was sold before there were receipts

registry.add_periodic_task(15, draw_recent)
registry.add_periodic_task(WHOLE_SECONDS, draw_due)
registry.add_periodic_task(3600, forget_addressees)
