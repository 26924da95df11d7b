"""Base viewset of the API."""

import functools
import threading
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework import serializers, viewsets
from rest_framework.exceptions import ErrorDetail, MethodNotAllowed, ValidationError

from .pagination import ApiPagination

MAX_NAMED = 20


@functools.cache
def filled(serializer_class: type[serializers.Serializer]) -> Callable[[Any], Any]:
    """Makes the bodies of answers, by one serializer for all: building its fields anew takes as long as
    filling them. For those that know nothing of the request (`context`).
    """
    return serializer_class().to_representation


@functools.cache
def _names_of(serializer_class: type[serializers.Serializer]) -> frozenset[str]:
    return frozenset(serializer_class().fields)


class _Reader:
    """Reads bodies by one serializer, one after the other: building its fields anew takes as long as
    reading them.
    """

    def __init__(self, serializer_class: type[serializers.Serializer]):
        self._context: dict[str, Any] = {}
        self._serializer = serializer_class(data={}, context=self._context)

    def read(self, data: Any, context: dict[str, Any]) -> dict:
        self._context |= context
        self._serializer.initial_data = data
        try:
            return self._serializer.run_validation(data)
        finally:
            self._context.clear()
            self._serializer.initial_data = {}


class _Readers(threading.local):
    """Those of this thread."""

    def __init__(self):
        self.of = functools.cache(_Reader)


_readers = _Readers()


class ApiViewSet(viewsets.GenericViewSet):
    """A method that is not there is 405 for everybody, before anybody is asked who they are.

    A list refuses by name what its address asks for and it does not know: `query` reads what it knows
    besides pages.
    """

    query: type[serializers.Serializer] | None = None

    def initial(self, request, *args, **kwargs):
        if request.method.lower() not in self.action_map:
            raise MethodNotAllowed(request.method)
        super().initial(request, *args, **kwargs)
        if self.action == "list":
            self._refuse_unknown(request.query_params)

    @property
    def http_request(self) -> HttpRequest:
        """Django's request, which allauth wants; REST framework has no public name for it."""
        return self.request._request

    def read(self, serializer_class: type[serializers.Serializer], **more) -> dict:
        """The request's body as `serializer_class` takes it; raises ValidationError."""
        context, data = self.get_serializer_context(), self.request.data
        if not more and data is not None:
            return _readers.of(serializer_class).read(data, context)
        serializer = serializer_class(data=data, context=context, **more)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def _refuse_unknown(self, asked) -> None:
        known = {ApiPagination.page_query_param, ApiPagination.page_size_query_param}
        known |= _names_of(self.query) if self.query else set()
        if unknown := sorted(set(asked) - known):
            refusal = ErrorDetail(_("This list does not know that parameter."), code="unknown_parameter")
            raise ValidationError({name[:100]: [refusal] for name in unknown[:MAX_NAMED]})
