import pytest

from tests.buyer import Sandbox


@pytest.fixture
def stack(postgres_stack):
    """The shared stack on PostgreSQL, as healthy after the test as before."""
    yield postgres_stack
    Sandbox(postgres_stack).no_faults()


@pytest.fixture(params=["postgresql", "sqlite"])
def either_stack(request):
    """The same on both databases."""
    name = {"postgresql": "postgres_stack", "sqlite": "sqlite_stack"}[request.param]
    stack = request.getfixturevalue(name)
    yield stack
    Sandbox(stack).no_faults()


@pytest.fixture(scope="session")
def two(stacks):
    """Buyers use the first server; the node tells the second one."""
    stack = stacks.new("postgresql", webs=2, workers=2)
    stack.env["SANDBOX_WEBHOOK_URL"] = f"{stack.shop_urls[1]}/api/webhooks/payment"
    yield stack.start()
    stack.close()


@pytest.fixture
def sandbox(stack) -> Sandbox:
    return Sandbox(stack)
