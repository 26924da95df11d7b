"""The API as a front end calls it."""

import pytest

from .api import as_json


@pytest.fixture
def post(client):
    def send(path: str, body=None, token: str = "", method: str = "POST"):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return client.generic(
            method, f"/api{path}", as_json(body), content_type="application/json", headers=headers
        )

    return send
