"""`docs/protocol.md` out of the tests: `python -m tests.protocol` writes it anew.

A test says what it shows with `@pytest.mark.protocol(paragraph, promise)`; a paragraph is one of PARAGRAPHS.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAPER = ROOT / "docs" / "protocol.md"
FOLDERS = ("payments/tests", "tests")

PARAGRAPHS = {
    "UMAD-01": "Addresses",
    "UMAD-02": "Keys and authentication",
    "UMAD-03": "Lookup: the request",
    "UMAD-04": "Lookup: the answer",
    "UMAD-05": "Pay request",
    "UMAD-06": "Pay request: the answer",
    "UMAD-07": "After the payment",
    "UMAD-08": "Versions",
    "UMAD-09": "UMA invoices",
    "UMAD-10": "Configuration document",
    "UMAD-11": "UMA Request",
    "LUD-06": "payRequest",
    "LUD-09": "Success action",
    "LUD-12": "Comments",
    "LUD-16": "Lightning addresses",
    "LUD-18": "Payer data",
    "LUD-21": "Verify",
    "BOLT11": "Lightning invoices",
    "BIP-21": "Unified links",
}

HEAD = """# Protocols

What the shop does for wallets, paragraph by paragraph, and the test that shows it. This page is made from
the tests: `python -m tests.protocol` writes it, and a test fails when it is not what the tests say. "UMAD"
are the documents of the UMA protocol (1.3, and 0.3 for older senders), "LUD" those of LNURL.

The shop is a receiver: it asks for money, and sends only refunds. A price may be in any currency; its rate
is agreed when the seats are held, and the quote's msats are what every way of paying comes to.
"""

NOT_SUPPORTED = {
    "Two signing keys published side by side (UMAD-02)": (
        "The answer has room for one. [Operating the shop](operations.md) says how it is replaced."
    ),
    "Settling in the priced currency (UMAD-06)": (
        "`converted` names the price; what arrives, and stays, is bitcoin. The organizer carries the exchange"
        " risk from the hold on: see [Operating the shop](operations.md), Prices in other currencies."
    ),
    "Other currencies for senders of version 0 (UMAD-08)": "They pay in sats, whatever the price is in.",
    "Asking for travel rule information (UMAD-04)": "A merchant needs none. For what is sent see UMAD-05.",
    "Taking UMA Requests (UMAD-11)": "The shop buys nothing, so it publishes no `uma_request_endpoint`.",
    "UMA Auth": "A wallet is connected by its link (NIP-47), which needs no OAuth; no wallet that offers UMA "
    "Auth is known to us.",
    "Settlement outside Lightning": "The node is a Lightning node.",
    "Success action `url` (LUD-09)": (
        "The answer goes to whoever asks, before anything is paid, and every pay address is public: a link"
        " that opens the order would hand its tickets to strangers. The wallet shows a message."
    ),
    "Success action `aes` (LUD-09)": "It needs the preimage beforehand, and the node does not tell it.",
    "Payer data of LNURL wallets (LUD-18)": (
        "It is unsigned, so it could send a refund to whoever wrote it; and it would have to be hashed into"
        " the BOLT11, which then could not be the one in the QR. UMA senders sign their identifier."
    ),
    "The preimage in `verify` (LUD-21)": "The node does not tell it.",
}


def promises() -> Iterator[tuple[str, str, str]]:
    """Paragraph, promise and place (`file::test`) of every marker, in the order of the files."""
    files = sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("test_*.py"))
    for file in files:
        if "node_modules" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            for mark in getattr(node, "decorator_list", []):
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.protocol":
                    paragraph, promise = (ast.literal_eval(argument) for argument in mark.args)
                    yield paragraph, promise, f"{file.relative_to(ROOT)}::{node.name}"


def paper() -> str:
    """The whole page."""
    found = list(promises())
    parts = [HEAD]
    for paragraph, title in PARAGRAPHS.items():
        rows = [(promise, f"`{place}`") for name, promise, place in found if name == paragraph]
        parts.append(_table(f"{paragraph} {title}", ("Promise", "Shown by"), rows))
    parts.append(_table("Not supported", ("What", "Why"), list(NOT_SUPPORTED.items())))
    return "".join(parts)


def _table(title: str, heads: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    lines = [f"| {left} | {right} |" for left, right in (heads, ("---", "---"), *rows)]
    return "\n".join(["", f"## {title}", "", *lines, ""])


if __name__ == "__main__":
    PAPER.write_text(paper())
