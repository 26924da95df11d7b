"""OpenAPI document: kept in the repository, complete, and readable without the internet."""

from pathlib import Path

import pytest
import yaml
from django.conf import settings
from drf_spectacular.renderers import OpenApiYamlRenderer
from jsonschema import Draft202012Validator
from rest_framework.exceptions import APIException

from ticketsuma.api.schema import CODES
from ticketsuma.api.schema_examples import EXAMPLES
from ticketsuma.api_urls import openapi
from ticketsuma.errors import DomainError

KEPT = Path(settings.BASE_DIR) / "docs" / "openapi.yaml"
# Refusals that no API client meets: of wallets, of the node, of staff in the admin, of workers.
ELSEWHERE = {
    "accounts.second_person", "payments", "events.team", "tickets.services.refunds",
    "tickets.services.moved_events", "tickets.services.payment_lookup", "tickets.staff.order_actions",
    "ticketsuma.admin.actions", "ticketsuma.live", "tickets.guest_messages", "tickets.offline_door",
    "tickets.services.guest_list", "tickets.staff.email_actions", "tickets.mail_health", "tickets.notes",
}  # fmt: skip


def operations():
    for path, methods in openapi()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_the_kept_copy_is_what_the_program_says():
    written = OpenApiYamlRenderer().render(openapi(), renderer_context={}).decode()
    assert KEPT.read_text() == written, "run: manage.py spectacular --validate --file docs/openapi.yaml"


def test_every_operation_says_what_it_does_and_what_it_refuses():
    for name, operation in operations():
        assert operation.get("description"), name
        assert "token_not_valid" in str(operation["responses"]["401"]), name


def test_every_operation_of_the_design_is_there():
    there = {name for name, _ in operations()}
    for name in (
        "GET /api/events", "GET /api/events/{id}", "POST /api/users", "POST /api/users/login",
        "POST /api/tickets/purchase", "GET /api/tickets/{id}/status", "POST /api/tickets/validate",
        "GET /api/orders/{id}", "POST /api/orders/{id}/cancel", "GET /api/users/me", "PUT /api/users/{id}",
        "PATCH /api/users/{id}", "DELETE /api/users/{id}", "GET /api/users/{user_id}/tickets",
        "GET /api/payments/{invoice_id}/status", "POST /api/events", "PUT /api/events/{id}",
        "PATCH /api/events/{id}", "DELETE /api/events/{id}", "POST /api/tickets/check-in",
    ):  # fmt: skip
        assert name in there, name


def test_everything_taken_and_said_has_a_right_example():
    document = openapi()
    schemas = document["components"]["schemas"]
    said = str(document["paths"])
    for name, schema in schemas.items():
        if f"#/components/schemas/{name}'" in said and name != "Problem" and not name.startswith("Paginated"):
            assert schema["examples"], name
    assert set(EXAMPLES) <= set(schemas)
    for name, value in EXAMPLES.items():
        whole = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        Draft202012Validator(whole).validate(value)
        assert set(value) == set(schemas[name]["properties"]) or name.endswith("Request"), name


def test_an_empty_name_may_be_sent():
    """Chains of calls send back what they were answered: an empty name, and an id that is a number."""
    schema = openapi()["components"]["schemas"]["ChangeRequest"]
    validate = Draft202012Validator(schema).is_valid
    assert validate({"name": "", "email": "ann@example.com"})
    assert not validate({"name": "\0", "email": "ann@example.com"})


def test_the_number_in_an_address_is_a_number():
    for name, operation in operations():
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path" and name.split("/")[2] in ("events", "users"):
                assert parameter["schema"]["type"] == "integer", name


def subclasses(kind: type) -> set[type]:
    found = set(kind.__subclasses__())
    return found | {grandchild for child in found for grandchild in subclasses(child)}


def is_met(refusal: type) -> bool:
    module = refusal.__module__
    elsewhere = any(f"{module}.".startswith(f"{name}.") for name in ELSEWHERE) or ".tests" in module
    return not elsewhere and refusal.code != DomainError.code


def test_every_refusal_is_described():
    ours = [each for each in subclasses(DomainError) if is_met(each)]
    assert len(ours) > 10
    assert {(each.code, each.status) for each in ours} <= {(code, CODES[code][0]) for code in CODES}
    described = {each.default_code for each in subclasses(APIException) if "ticketsuma" in each.__module__}
    assert described - {"internal_error"} <= set(CODES)


@pytest.mark.django_db
def test_the_description_is_served_and_revalidated(client):
    answer = client.get("/api/schema")
    assert answer.json()["openapi"] == "3.1.0"
    assert answer.json()["paths"] == yaml.safe_load(KEPT.read_text())["paths"]
    again = client.get("/api/schema", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.django_db
def test_the_docs_page_asks_nobody_else(client):
    answer = client.get("/api/docs")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "http" not in page.replace("http-equiv", "")
    assert "'unsafe-inline'" not in answer.headers["Content-Security-Policy"]


def test_null_is_said_in_the_words_of_openapi_3_1():
    assert openapi()["openapi"].startswith("3.1")
    assert "nullable" not in KEPT.read_text()
    assert openapi()["components"]["schemas"]["PaginatedEventList"]["properties"]["next"]["type"] == [
        "string",
        "null",
    ]
