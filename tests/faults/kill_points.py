"""Named lines of the product at which a process can be killed or frozen, in a patched copy of the tree.

Planting a point inserts one statement above its line: a `kill -9` of the process that arrives there, and
nothing while the point is not armed. The product itself has no such switch.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

from tests.tree import copy_tree

# Arming a point writes the signal's number into VAR_DIR/points/<name>; the first to arrive takes the file.
_REACH = """
import os


def reach(name):
    path = os.path.join(os.environ["VAR_DIR"], "points", name)
    try:
        os.rename(path, f"{path}.{os.getpid()}")
    except FileNotFoundError:
        return
    with open(f"{path}.{os.getpid()}") as armed:
        number = int(armed.read())
    os.kill(os.getpid(), number)
"""


@dataclass(frozen=True)
class KillPoint:
    """Just before the first line of `function` in `file` that begins with `line`."""

    name: str
    file: str
    function: str
    line: str


POINTS = [
    # buying
    KillPoint("seats_claimed", "events/models.py", "claim", "return"),
    KillPoint("hold_committed", "tickets/services/orders.py", "place_order", "if order.payment:"),
    KillPoint("node_made_qr", "payments/invoices.py", "request_invoice", "if not record_open"),
    # a wallet
    KillPoint("push_sent", "payments/uma/push.py", "_post", "if answer.is_success:"),
    KillPoint("node_made_uma", "payments/invoices.py", "open_invoice_for_payer", "if not record_open"),
    KillPoint("uma_recorded", "payments/invoices.py", "open_invoice_for_payer", "return row"),
    # money arrives
    KillPoint("webhook_stored", "payments/webhooks.py", "receive", "if event:"),
    KillPoint("money_recorded", "payments/services.py", "settle_node_payment", "failure = _allocate_new"),
    KillPoint("money_applied", "payments/services.py", "allocate", "incoming.allocated_at,"),
    KillPoint("money_settled", "payments/services.py", "settle_node_payment", "return incoming"),
    # it is over
    KillPoint("node_closed", "tickets/services/orders.py", "_let_go", "with transaction.atomic():"),
    # money goes back
    KillPoint("refund_asked", "payments/refund_sending.py", "_ask_for_invoice", "if Refund.objects"),
    KillPoint("refund_committed", "payments/refund_sending.py", "_pay", "try:"),
    KillPoint("refund_paid", "payments/refund_sending.py", "_pay", "_record(refund,"),
    # receipts
    KillPoint("receipt_numbered", "tickets/receipts/drawing.py", "_next", "receipt.series, receipt.number"),
    # mails
    KillPoint("mail_sent", "tickets/mail_health/sending.py", "send", "mail.advance(Mail.Status.SENT"),
]


def plant(tree: Path, point: KillPoint) -> None:
    """Insert `point` into the tree's source; fails loudly when its line is not there any more."""
    file = tree / point.file
    lines = file.read_text().splitlines(keepends=True)
    functions = [
        node
        for node in ast.walk(ast.parse("".join(lines)))
        if isinstance(node, ast.FunctionDef) and node.name == point.function
    ]
    assert len(functions) == 1, f"{point.file} has {len(functions)} functions {point.function}"
    span = range(functions[0].lineno, functions[0].end_lineno)
    found = [number for number in span if lines[number].lstrip().startswith(point.line)]
    assert found, f"{point.file}: no line of {point.function} begins with {point.line!r}"
    line = lines[found[0]]
    indent = line[: len(line) - len(line.lstrip())]
    lines.insert(found[0], f'{indent}__import__("kill_points").reach("{point.name}")\n')
    file.write_text("".join(lines))


def planted_tree(to: Path) -> Path:
    """A copy of the tree as it stands, with every kill point in it."""
    tree = copy_tree(to)
    (tree / "kill_points.py").write_text(_REACH)
    for point in POINTS:
        plant(tree, point)
    return tree
