from tickets.tests.conftest import staff as staff
