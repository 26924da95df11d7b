"""Lighthouse on the pages of buyers, over real processes: accessibility, best practices, search engines.

Performance is timed, so it is no test: `python -m pytest tests/lighthouse --long` asks for it as well.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.buyer import Buyer, make_event

PROGRAM = Path(__file__).parent / "node_modules" / ".bin" / "lighthouse"
FLAGS = "--headless=new --no-sandbox --disable-gpu --disable-background-networking"
ALWAYS = ["accessibility", "best-practices"]
LEAST = 95


@pytest.fixture(scope="module")
def pages(sqlite_stack) -> dict[str, str]:
    """Addresses of a list, an event, an order that waits for its payment, and a ticket."""
    stack = sqlite_stack
    event = make_event(stack, summary="An evening to be measured.")
    waiting, paid = Buyer(stack).buy(event), Buyer(stack).buy(make_event(stack, price_sats=0))
    return {
        "list": f"{stack.shop_url}/",
        "event": f"{stack.shop_url}{stack.django('Event.objects.get(pk=pk).get_absolute_url()', pk=event)}",
        "order": f"{stack.shop_url}/orders/{waiting.bought['order']['token']}",
        "ticket": paid.bought["tickets"][0]["url"],
    }


@pytest.mark.parametrize("name", ["list", "event", "order", "ticket"])
def test_a_page_is_as_lighthouse_wants_it(pages, name, tmp_path, request):
    asked = [*ALWAYS, *(["seo"] if name in ("list", "event") else [])]
    if request.config.getoption("--long"):
        asked.append("performance")
    report = tmp_path / "report.json"
    subprocess.run(
        [PROGRAM, pages[name], "--quiet", "--output=json", f"--output-path={report}",
         f"--only-categories={','.join(asked)}", f"--chrome-flags={FLAGS}"],
        env=os.environ | {"CHROME_PATH": shutil.which("chromium") or ""}, check=True, timeout=120,
    )  # fmt: skip
    said = json.loads(report.read_text())
    scores = {part: round(100 * said["categories"][part]["score"]) for part in asked}
    print(f"{name}: {scores}")
    found = said["audits"]
    weighed = {ref["id"] for part in asked for ref in said["categories"][part]["auditRefs"] if ref["weight"]}
    wrong = {audit: found[audit]["title"] for audit in weighed if found[audit]["score"] not in (None, 1)}
    assert all(score >= LEAST for score in scores.values()), (scores, wrong)
