"""Error pages of `./run`: the shop's own, without tracebacks or settings."""

import pytest
import requests


@pytest.mark.parametrize("path", ["/nowhere", "/events/nowhere", "/orders/nowhere", "/tickets/nowhere"])
def test_a_page_that_is_not_there_is_the_shops_own(sqlite_stack, path):
    answer = requests.get(f"{sqlite_stack.shop_url}{path}", timeout=10)
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
    for word in ("urlpatterns", "DEBUG"):
        assert word not in answer.text
