"""The browser in which staff are signed in, as in the tests beside."""

from tickets.tests.conftest import staff  # noqa: F401
