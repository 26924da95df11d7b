"""Content policy: each answer has the one that django-csp would give it."""

from csp.decorators import csp_exempt, csp_update
from csp.middleware import CSPMiddleware
from django.http import HttpResponse
from django.test import RequestFactory

from ticketsuma.web.middleware import ContentPolicyMiddleware, allow_sources


def answer(request):
    return HttpResponse("words")


def answer_with_more(request):
    return allow_sources(HttpResponse("words"), {"img-src": ["https://pictures.example"]})


def answer_with_its_own(request):
    return HttpResponse("words", headers={"Content-Security-Policy": "sandbox"})


def policy_of(middleware: type, view) -> dict[str, list[str]] | None:
    given = middleware(view)(RequestFactory().get("/")).headers.get("Content-Security-Policy")
    return given and {name: sorted(sources) for name, *sources in map(str.split, given.split(";"))}


def test_each_answer_has_the_policy_that_django_csp_words():
    more = csp_update({"script-src": ["https://scripts.example"]})(answer)
    policies = []
    for view in (answer, answer_with_more, more, answer, csp_exempt()(answer), answer_with_its_own):
        assert policy_of(ContentPolicyMiddleware, view) == policy_of(CSPMiddleware, view)
        policies.append(policy_of(ContentPolicyMiddleware, view))
    assert policies[0] == policies[3] != policies[1]
    assert policies[4] is None
    assert policies[0]["default-src"] == ["'none'"]
