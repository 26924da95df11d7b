"""Background thread: sends webhooks and ends pending payments. The rows are the queue."""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import DatabaseError, close_old_connections

from node import ledger, wakeup, webhooks

SENDERS = 12
log = logging.getLogger(__name__)
_stopping = threading.Event()


def start() -> threading.Thread:
    """Start the thread in this process (after fork). Leases of the process before it are released."""
    _stopping.clear()
    thread = threading.Thread(target=_run, name="sandbox-background", daemon=True)
    thread.start()
    return thread


def stop() -> None:
    _stopping.set()
    wakeup.wake()


def run_once() -> int:
    """Do all that is due now, in this thread. Returns how much that was."""
    done = ledger.resolve_due()
    for row in webhooks.claim_due(limit=100):
        webhooks.deliver(row)
        done += 1
    return done


def _run() -> None:
    webhooks.release_leases()
    sending: set[Future] = set()
    with ThreadPoolExecutor(SENDERS, thread_name_prefix="webhook") as senders:
        while not _stopping.is_set():
            wakeup.bell.clear()
            sending = {one for one in sending if not one.done()}
            try:
                ledger.resolve_due()
                # No more than can be sent at once: a lease must not run out in a line.
                for row in webhooks.claim_due(limit=SENDERS - len(sending)):
                    sending.add(sent := senders.submit(_deliver, row))
                    sent.add_done_callback(lambda _: wakeup.wake())
            except DatabaseError:
                log.exception("the queue could not be read")
                close_old_connections()
            wakeup.bell.wait(0.2)


def _deliver(row) -> None:
    try:
        webhooks.deliver(row)
    except DatabaseError:
        log.exception("the webhook's outcome could not be written; its lease will run out")
