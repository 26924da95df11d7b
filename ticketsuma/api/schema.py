"""OpenAPI document: adds refusals, patterns and strictness that the code does not show."""

from collections import defaultdict

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from .exceptions import CONTENT_TYPE
from .schema_examples import EXAMPLES

# Every code a client may meet: its status, and when.
CODES = {
    "invalid": (400, "A field is missing or wrong; `errors` names each."),
    "malformed_json": (400, "The body is not JSON: UTF-8, no duplicate keys, no NaN, at most 20 levels."),
    "bad_request": (400, "The request cannot be read at all, such as a NUL in the address."),
    "weak_password": (400, "Too short, too common, or too like the address."),
    "wrong_password": (400, "`current_password` is not it."),
    "invalid_key": (400, "The key of a mailed link is wrong, used or old."),
    "invalid_uma_address": (400, "Not of the form `$name@domain`, or a domain we do not talk to."),
    "invalid_idempotency_key": (400, "Not 1 to 255 printable ASCII characters; a guest's: easily guessed."),
    "quantity_not_allowed": (400, "More or fewer seats than one order, or one of its types, may hold."),
    "unknown_ticket_type": (400, "The event has no such ticket type; or it is hidden, and needs a code."),
    "amount_not_allowed": (400, "Less than a seat costs at least, or no amount is asked; `price` is that."),
    "answer_refused": (
        400,
        "An answer is missing, or does not fit; `question_id` and `ticket_number` say where.",
    ),
    "not_authenticated": (401, "A token is needed."),
    "token_not_valid": (401, "The token is wrong, expired or ended."),
    "invalid_credentials": (401, "E-mail address and password do not belong together, or it is unproven."),
    "otp_required": (401, "The account has a second factor: send its code as `otp`."),
    "wrong_otp": (401, "The `otp` is not right, or was used before."),
    "permission_denied": (403, "Staff only."),
    "second_factor_required": (403, "Staff's acts take a token issued with `otp`."),
    "not_found": (404, "Not there, or not yours: the two look the same."),
    "unknown_code": (404, "No ticket has this code."),
    "method_not_allowed": (405, "The `Allow` header says which methods there are."),
    "not_acceptable": (406, "Only JSON is spoken."),
    "sold_out": (409, "Not enough seats left. With `Retry-After` somebody is still paying: try again."),
    "sales_closed": (409, "The event is over, canceled, or its sale has ended."),
    "price_changed": (
        409,
        "It costs not what you expected: `price` is what a seat costs now, `amount` all of it, in minor "
        "units of `currency`; of sats `price_sats` and `amount_sats` say the same.",
    ),
    "currency_fixed": (
        409,
        "Seats of the event were ordered already, or it has promo codes worth money: its currency stays.",
    ),
    "refund_policy_changed": (409, "What can be given back has changed meanwhile; a page says it."),
    "promo_code_refused": (409, "The code is not known here, not good now, or used up; `detail` says which."),
    "questions_changed": (409, "The event's questions have just changed; look again."),
    "answers_closed": (409, "The event has begun, or the order has ended: answers stay as they are."),
    "several_prices": (409, "The event has several ticket types: each has its own price."),
    "ticket_type_needed": (
        409,
        "Seats of this type were ordered, or it is the default: end its sale instead.",
    ),
    "replay_only": (409, "The ticket is for the replay."),
    "free_limit": (409, "As many free tickets as one person may take."),
    "already_paid": (409, "Money came first."),
    "payment_in_flight": (409, "A payment may be on its way; try again after `Retry-After`."),
    "invalid_transition": (409, "It has changed in the meantime."),
    "nothing_to_refund": (409, "No refund of this order is waiting for an address."),
    "event_has_orders": (409, "Seats were ordered: hide or cancel it instead."),
    "event_changed": (409, "It was changed meanwhile, or seats were sold; look again."),
    "wrong_event": (409, "The ticket is for another event."),
    "not_paid": (409, "The ticket's order is not paid."),
    "void": (409, "The ticket or its order was given back."),
    "event_canceled": (409, "The event is canceled."),
    "already_checked_in": (409, "This ticket was let in before, by another scan."),
    "not_voidable": (409, "This ticket opens nothing any more, or is used: it can no longer be changed."),
    "give_back_changed": (409, "Something else than `back_sats` comes back now."),
    "email_fixed": (409, "The e-mail is proven, or the order was paid more than 24 hours ago, or has ended."),
    "no_mailbox": (409, "The order has no e-mail address to which new links could go."),
    "staff_stay": (409, "Staff cannot delete their own account."),
    "room_closed": (409, "The stream is not open to this ticket now."),
    "watched_elsewhere": (409, "Another device watches with this ticket; `take_over` ends that."),
    "no_receipt": (409, "The order is not paid, or was free: there is no receipt of it."),
    "receipt_not_drawn": (409, "The receipt gets its number within seconds; see `Retry-After`."),
    "too_many_addressees": (409, "The receipt was made out to somebody else twenty times already."),
    "length_required": (411, "Send a Content-Length."),
    "too_large": (413, "More than 256 kB."),
    "uri_too_long": (414, "An address of more than 4 kB."),
    "unsupported_media_type": (415, "Only `application/json` in UTF-8, not compressed."),
    "device_refused": (422, "This push endpoint is no public one, its keys are none, or it has other keys."),
    "idempotency_key_reused": (422, "This key was used for a different purchase."),
    "throttled": (429, "Too often; `Retry-After` says how many seconds to wait."),
    "hold_limit": (429, "Too many unpaid seats or orders of one person, address or network."),
    "headers_too_large": (431, "More than 100 headers, or one of more than 8 kB."),
    "node_unreachable": (503, "The Lightning node does not answer; what it knows is unknown. Try again."),
    "node_forbidden": (503, "Lightspark does not accept the shop's token; staff are told. Try again later."),
    "node_refused": (503, "The Lightning node said no. Try again."),
    "rate_unavailable": (503, "Sales in this currency are paused: no reliable exchange rate. Try again."),
    "unavailable": (503, "The shop is busy; nothing was done. Try again."),
}
ALWAYS = ("bad_request", "token_not_valid", "not_acceptable", "uri_too_long", "throttled", "unavailable")
NUMBER_IN_PATH = "^[0-9]{1,18}$"  # what the viewsets' lookup_value_regex for ids becomes
WITH_BODY = ("invalid", "malformed_json", "length_required", "too_large", "unsupported_media_type")


class FieldProblemSerializer(serializers.Serializer):
    field = serializers.CharField(
        allow_null=True, help_text="Which input; null when it is none in particular."
    )
    code = serializers.CharField()
    message = serializers.CharField(help_text="For people.")


class ProblemSerializer(serializers.Serializer):
    """Every refusal (RFC 9457). Programs read `code`, people `detail`."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.ChoiceField(sorted(CODES))
    request_id = serializers.CharField(help_text="Tell it to us when you ask about this answer.")
    errors = FieldProblemSerializer(many=True, required=False)  # type: ignore[assignment]
    price_sats = serializers.IntegerField(required=False, help_text="With `price_changed`: of one seat, now.")
    amount_sats = serializers.IntegerField(required=False, help_text="With `price_changed`: all of it, now.")
    currency = serializers.CharField(required=False, help_text="With `price_changed`.")
    amount = serializers.IntegerField(required=False, help_text="With `price_changed`: all of it, now.")
    price = serializers.IntegerField(
        required=False, help_text="With `price_changed` and `amount_not_allowed`: of one seat."
    )
    question_id = serializers.IntegerField(required=False, help_text="With `answer_refused`: of which one.")
    ticket_number = serializers.IntegerField(
        required=False, help_text="With `answer_refused`: of which ticket it is asked; 0: of the order."
    )


def problems(*codes: str, body: bool = False) -> dict:
    """The refusals of an operation, for `extend_schema(responses=)`; those of all come along."""
    by_status = defaultdict(list)
    for code in (*codes, *(WITH_BODY if body else ()), *ALWAYS):
        status, when = CODES[code]
        by_status[status].append((code, when))
    return {
        (status, CONTENT_TYPE): OpenApiResponse(
            ProblemSerializer,
            description="\n".join(f"- `{code}`: {when}" for code, when in met),
            examples=[_example(code) for code, when in met],
        )
        for status, met in sorted(by_status.items())
    }


def _example(code: str) -> OpenApiExample:
    status, when = CODES[code]
    value = {
        "type": "about:blank", "title": "…", "status": status, "detail": when, "code": code,
        "request_id": "5f0c1b2e8d7a4c3f9e6b1a2d3c4e5f60",
    }  # fmt: skip
    if code == "invalid":
        value["errors"] = [
            {"field": "quantity", "code": "invalid", "message": "A valid integer is required."}
        ]
    if code == "price_changed":
        value |= {"currency": "SAT", "price": 2500, "price_sats": 2500}
    return OpenApiExample(code, value=value, response_only=True, status_codes=[str(status)])


def header(name: str, description: str, *, pattern: str) -> OpenApiParameter:
    schema = {"type": "string", "pattern": pattern}
    return OpenApiParameter(name, schema, OpenApiParameter.HEADER, description=description)


# -- tokens and fields -------------------------------------------------------------------------------------
class TokenScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema):
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "From `POST /api/users/login`; good for 24 hours at most.",
        }


class TextPattern(OpenApiSerializerFieldExtension):
    """No control characters, and something besides spaces unless it may be blank."""

    target_class = "ticketsuma.api.fields.StrictCharField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema, direction):
        schema = {"type": "string"}
        field = self.target
        if direction == "request":
            allowed = "" if not field.line_ends else "\\n\\r\\t"
            sign = f"[^\\x00-\\x1f\\x7f-\\x9f]|[{allowed}]" if allowed else "[^\\x00-\\x1f\\x7f-\\x9f]"
            first = "" if field.allow_blank else "[^\\s\\x00-\\x1f\\x7f-\\x9f]"
            schema["pattern"] = f"^{first}({sign})*$"
        if field.max_length:
            schema["maxLength"] = field.max_length
        if direction == "request" and not field.allow_blank:
            schema["minLength"] = 1
        return schema


# -- the whole document -------------------------------------------------------------------------
def finish(result, generator, request, public):
    """Postprocessing hook: bodies refuse names they do not know; each example of a problem is there once;
    the number in an address is a number, as it is in the answers it comes from; what may be empty may;
    everything has an example.
    """
    _say_null_as_a_type(result)
    for name, schema in result["components"]["schemas"].items():
        if name in EXAMPLES:
            schema["examples"] = [EXAMPLES[name]]
        if name.endswith("Request") and schema.get("type") == "object":
            schema["additionalProperties"] = False
        for each in schema.get("properties", {}).values():
            each.pop("title", None)  # what forms for staff call it
            if {"type": "string", "maxLength": 0} in each.get("oneOf", []):
                each["anyOf"] = each.pop("oneOf")  # an empty text fits both, and oneOf takes one only
    result["components"]["examples"] = examples = {}
    for path in result["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path" and parameter["schema"].get("pattern") == NUMBER_IN_PATH:
                    parameter["schema"] = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
            for response in operation["responses"].values():
                content = response.get("content", {}).get(CONTENT_TYPE, {})
                codes = [example["value"]["code"] for example in content.get("examples", {}).values()]
                examples |= {code: {"value": _example(code).value} for code in codes}
                content["examples"] = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    return result


def _say_null_as_a_type(node) -> None:
    """`nullable` is a word of OpenAPI 3.0; in 3.1 it means nothing, and clients would never expect null."""
    if isinstance(node, dict):
        if node.pop("nullable", False) is True:
            node["type"] = [node["type"], "null"]
        for each in node.values():
            _say_null_as_a_type(each)
    elif isinstance(node, list):
        for each in node:
            _say_null_as_a_type(each)
