"""Pagination of the API's lists: `?page=2&page_size=50`."""

import re
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import PageNumberPagination

from ticketsuma.paginator import GrowingPaginator


class ApiPagination(PageNumberPagination):
    """Larger sizes are cut to `max_page_size`; what is no number is refused."""

    django_paginator_class = GrowingPaginator
    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 100

    def get_page_size(self, request):
        self._check(request, self.page_size_query_param)
        return super().get_page_size(request)

    def get_page_number(self, request, paginator):
        self._check(request, self.page_query_param)
        return super().get_page_number(request, paginator)

    def get_next_link(self):
        return self._at_home(super().get_next_link())

    def get_previous_link(self):
        return self._at_home(super().get_previous_link())

    def _at_home(self, link: str | None) -> str | None:
        """The link at the shop's own address, whatever host and port the request named."""
        if link is None:
            return None
        parts = urlsplit(link)
        return settings.SITE_URL + urlunsplit(("", "", parts.path, parts.query, ""))

    def _check(self, request, name: str) -> None:
        given = request.query_params.get(name)
        if given is not None and not re.fullmatch(r"[1-9][0-9]{0,8}", given):
            raise ValidationError({name: "A whole number from 1 on."}, code="invalid")

    def get_schema_operation_parameters(self, view):
        """The numbers have a least value; the library does not say so."""
        parameters = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            parameter["schema"] |= {"minimum": 1, "maximum": 999_999_999}
        return parameters
