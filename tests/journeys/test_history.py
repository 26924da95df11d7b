"""The history is append-only in the database itself."""

import pytest

WRITE = """
from accounts.history import by_command, record
user = User.objects.create_user(email, "a long enough password")
with by_command("test"):
    answer = record("press", user).pk
"""
TRY = """
from django.db import DatabaseError, connection, transaction
try:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, [pk])
    answer = "done"
except DatabaseError as error:
    answer = str(error)
"""
UPDATE = "UPDATE accounts_historyentry SET act = 'change' WHERE id = %s"
DELETE = "DELETE FROM accounts_historyentry WHERE id = %s"
LEFT = "UPDATE accounts_historyentry SET actor_id = NULL WHERE id = %s"


@pytest.mark.parametrize(
    ("database", "statement", "happens"),
    [
        ("postgres", UPDATE, "the history is append-only"),
        ("postgres", DELETE, "the history is append-only"),
        ("postgres", LEFT, "done"),
        ("sqlite", UPDATE, "the history is append-only"),
        ("sqlite", LEFT, "done"),
    ],
)
def test_the_database_keeps_the_history(request, database, statement, happens):
    stack = request.getfixturevalue(f"{database}_stack")
    name = f"{abs(hash((database, statement)))}@example.com"
    pk = stack.django(WRITE, email=name)
    assert happens in stack.django(TRY, sql=statement, pk=pk)
