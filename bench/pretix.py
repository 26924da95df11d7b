"""A checkout by the pages of a pretix, by the requests of a browser with its script.

Cart and order are made by tasks of a queue: the script asks whether they are done, after as long as here.
"""

import re
import time
import uuid
from html import unescape
from urllib.parse import urljoin

import requests

CSRF_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
CART = re.compile(r'action="([^"]+/cart/add[^"]*)"')
ITEM = re.compile(r'name="(item_\d+)"')
FIRST_LOOK_SECONDS, NEXT_LOOK_SECONDS = 0.1, 0.25


def check_out(shop: str) -> None:
    """Look at the event, buy one of its first item by bank transfer, look at the order."""
    with requests.Session() as browser:
        browser.headers["Origin"] = "/".join(shop.split("/")[:3])
        event = browser.get(shop, timeout=20)
        add = unescape(CART.search(event.text)[1])
        _queue(browser, event, add, {ITEM.search(event.text)[1]: "1"})
        questions = browser.get(f"{shop}checkout/start", timeout=20)
        payment = _submit(browser, questions, {"email": f"{uuid.uuid4().hex}@example.com"})
        review = _submit(browser, payment, {"payment": "banktransfer"})
        order = _queue(browser, review, review.url, {})
        assert "/order/" in order.url, f"{order.status_code} {order.url}"


def _submit(
    browser: requests.Session, page: requests.Response, fields: dict[str, str], action: str = ""
) -> requests.Response:
    fields = fields | {"csrfmiddlewaretoken": CSRF_TOKEN.search(page.text)[1]}
    return browser.post(urljoin(page.url, action), data=fields, timeout=20)


def _queue(
    browser: requests.Session, page: requests.Response, action: str, fields: dict[str, str]
) -> requests.Response:
    """Send the form, wait until its task is done; the page it leads to."""
    task = _submit(browser, page, fields | {"ajax": "1"}, action).json()
    look, pause = task.get("check_url"), FIRST_LOOK_SECONDS
    while not task.get("redirect"):
        time.sleep(pause)
        task, pause = browser.get(urljoin(page.url, look), timeout=20).json(), NEXT_LOOK_SECONDS
    return browser.get(urljoin(page.url, task["redirect"]), timeout=20)
