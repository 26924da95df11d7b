"""Questions of an event in a real browser, before and after the payment, with and without JavaScript."""

import uuid

import pytest
from playwright.sync_api import expect

from tests.browser.test_reading import violations
from tests.buyer import Sandbox, make_event

ASK = """
event = Event.objects.get(pk=pk)
ask = lambda **fields: Question(event=event, **fields).save()
ask(label='What do you not eat?', is_required=True)
ask(label='I agree to the house rules', kind='consent', link='https://example.com/rules', is_required=True)
ask(label='Workshops?', kind='choices', options='Baking\\nBrewing', position=1)
ask(label='When do you come?', asked='after', kind='choice', options='Early\\nLate', is_required=True)
ask(label='Shirt?', asked='ticket')
"""


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "without"])
def test_a_buyer_answers_before_and_after_the_payment(open_context, stack, javascript):
    event_id = make_event(stack)
    stack.django(ASK, pk=event_id)
    page = open_context(java_script_enabled=javascript, refusal="400").new_page()
    page.goto(f"{stack.shop_url}/events/{event_id}")
    expect(page.get_by_text("When do you come?")).to_have_count(0)
    page.get_by_label("E-mail").fill(f"{uuid.uuid4().hex}@example.com")
    page.get_by_label("Brewing").check()
    if javascript:
        assert violations(page) == []
    page.locator("#buy form button.btn-xl").click()
    expect(page.get_by_text("Please answer this question.")).to_be_visible()
    expect(page.get_by_label("What do you not eat?")).to_be_focused()
    expect(page.get_by_label("Brewing")).to_be_checked()
    if javascript:
        assert violations(page) == []
    page.get_by_label("What do you not eat?").fill("Nuts")
    page.get_by_label("I agree to the house rules").check()
    page.locator("#buy form button.btn-xl").click()
    page.wait_for_url("**/orders/**")

    invoice = page.get_by_role("link", name="Open wallet").get_attribute("href").removeprefix("lightning:")
    Sandbox(stack).wallet("bob").pay(invoice)
    expect(page.get_by_role("heading", name="You are in.")).to_be_visible(timeout=15_000)
    expect(page.get_by_label("What do you not eat?")).to_have_value("Nuts")
    page.get_by_label("When do you come?").select_option("Late")
    page.get_by_label("Shirt?").fill("M")
    if javascript:
        assert violations(page) == []
    page.get_by_role("button", name="Save my answers").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    texts = "sorted(Answer.objects.filter(order__event=pk).values_list('text', flat=True))"
    assert stack.django(texts, pk=event_id) == ["Brewing", "Late", "M", "Nuts", "yes"]

    page.get_by_role("link", name="Open ticket").click()
    page.locator("#questions summary").click()
    expect(page.get_by_label("Shirt?")).to_have_value("M")
    if javascript:
        assert violations(page) == []
    stack.audit()
