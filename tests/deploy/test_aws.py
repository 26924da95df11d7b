"""deploy/aws against the shop: its secrets, its alarms, its settings, and what is open to whom."""

import ast
import os
import re
import subprocess
import sys

import pytest

from tests.deploy.terraform import AWS, module, read, resources
from tests.environment import fresh_secrets
from tests.tree import ROOT

MODULES = sorted(folder.name for folder in (AWS / "modules").iterdir())
# What opens something, by its name; and what stands in an address of a server.
OPENS = re.compile(
    r"(SECRET|PASSWORD|PRIVATE_KEY|SIGNING_KEY|TOKEN|CERT_CHAIN|DSN)(_KEY|_CLIENT_ID)?$|_KEYS$"
)
WITH_PASSWORD = {
    "EMAIL_URL", "CACHE_URL", "DATABASE_URL", "DATABASE_DIRECT_URL", "DATABASE_REPLICA_URL", "GRIP_URL",
}  # fmt: skip
ELSEWHERE = {
    "DB_PASSWORD",  # made by Terraform, in a secret of its own
    "DATABASE_URL",  # given in parts
}
DEVELOPERS_ONLY = {"DEBUG", "TRACEBACKS", "ALLOW_TEST_NETWORK", "UMA_LOCAL_VASPS"}


def settings_read() -> set[str]:
    """Every variable that the settings and the parts they are made of ask the environment for."""
    names = set()
    for file in (ROOT / "ticketsuma" / "settings.py", ROOT / "gunicorn.conf.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                asked, first = ast.unparse(node.func.value), node.args[0]
                if asked in {"env", "os.environ"} and isinstance(first, ast.Constant):
                    names.add(first.value)
    return names


def secrets_known() -> tuple[set[str], set[str]]:
    """The secrets that AWS keeps: those every shop needs, and those it may have."""
    blocks = module("secrets")
    required = set(blocks["locals"][0]["required"])
    optional = next(v["optional"] for v in blocks["variable"] if "optional" in v)
    return required, set(re.findall(r'"([A-Z_]+)"', optional["validation"][0]["condition"]))


def settings_given() -> dict[str, str]:
    given = next(one["settings"] for one in read()["locals"] if "settings" in one)
    return dict(re.findall(r'\b([A-Z][A-Z_]+) = ("[^"]*"|[^,}]+)', given))


@pytest.mark.parametrize("folder", ["", *(f"modules/{name}" for name in MODULES)])
def test_each_file_is_read_and_each_module_is_small(folder):
    assert read(folder)
    for file in (AWS / folder).glob("*.tf"):
        assert len(file.read_text().splitlines()) < 260, file


def test_every_module_is_used_with_every_variable_it_wants():
    used = {name: body for block in read()["module"] for name, body in block.items()}
    assert sorted(used) == MODULES
    for name, body in used.items():
        wanted = {variable for block in module(name)["variable"] for variable in block}
        assert set(body) - {"source", "providers"} == wanted, name


def test_every_secret_the_settings_know_is_kept_as_one():
    opens = {name for name in settings_read() if OPENS.search(name)} | WITH_PASSWORD
    required, optional = secrets_known()
    assert required & optional == set()
    assert required | optional >= opens - ELSEWHERE
    beyond = (required | optional) - opens
    assert beyond == {"LIGHTSPARK_NODE_ID"}, "kept with the others, for who makes them makes it too"
    assert required | optional <= settings_read() | {"LIGHTSPARK_WEBHOOK_SIGNING_KEY"}


def start(**environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--fail-level", "ERROR"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def given_there(tmp_path) -> dict[str, str]:
    """The settings of a task, with the places that are Terraform's filled in."""
    filled = {name: value.strip('"') for name, value in settings_given().items()}
    filled |= {"SITE_URL": "https://tickets.example.com", "VAR_DIR": str(tmp_path), "TMPDIR": "/tmp"}
    return filled | {
        "DB_PORT": "5432",
        "DB_HOST": "localhost",
        "DB_PASSWORD": "x" * 20,
        "WEB_KEEPALIVE_SECONDS": "1",
    }


def test_the_required_secrets_are_those_without_which_the_shop_does_not_start(tmp_path):
    required, _optional = secrets_known()
    without = start(**given_there(tmp_path))
    assert without.returncode != 0
    assert set(re.findall(r"(\w+) is missing", without.stdout + without.stderr)) == required
    its_own = fresh_secrets() | {"EMAIL_URL": "smtp+tls://user:password@mail.example.com:587"}
    done = start(**given_there(tmp_path), **{name: its_own[name] for name in required})
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_setting_that_is_given_is_a_setting():
    unknown = set(settings_given()) - settings_read() - {"TMPDIR", "PGSSLMODE"}
    assert unknown == set()
    assert set(settings_given()) & DEVELOPERS_ONLY == set()


def test_an_idle_connection_is_kept_longer_than_the_balancer_keeps_it():
    """Else some requests meet a server that has just hung up, and are answered 502."""
    idle = next(one["idle_seconds"] for one in read()["locals"] if "idle_seconds" in one)
    assert settings_given()["WEB_KEEPALIVE_SECONDS"] == "tostring(local.idle_seconds + 5)"
    assert idle > 60  # a live page's stream lives a minute


# -- alarms -----------------------------------------------------------------------------------
def rows_of_the_guide() -> list[str]:
    """What somebody is to be told of, by docs/operations.md."""
    text = (ROOT / "docs/operations.md").read_text()
    table = text.split("**Tell somebody when**")[1].split("\n\n")[1]
    return [line.split("|")[1].strip().replace("`", "") for line in table.splitlines()[2:]]


def test_each_row_of_the_guide_has_an_alarm_and_each_alarm_a_row():
    blocks = module("alarms")
    words, from_log = blocks["locals"][0]["row"], blocks["locals"][0]["from_log"]
    assert set(words.values()) == set(rows_of_the_guide())
    alarms = dict(resources(blocks, "aws_cloudwatch_metric_alarm"))
    said = [alarm["alarm_description"] for alarm in alarms.values()] + [
        one["says"] for one in from_log.values()
    ]
    named = {found[1] for text in said for found in [re.match(r"\$\{local\.row\.(\w+)\}", text)] if found}
    assert named == set(words)
    assert len(named) <= len(said)
    assert all(re.match(r"\$\{(local\.row\.|each\.value\.says)", text) for text in said)
    assert all(alarm["alarm_actions"] for alarm in alarms.values()), "an alarm that tells nobody"


def test_what_the_alarms_look_for_in_the_log_is_what_the_shop_writes():
    patterns = " ".join(one["pattern"] for one in module("alarms")["locals"][0]["from_log"].values())
    product = "\n".join(
        (ROOT / file).read_text()
        for file in (
            "payments/services.py",
            "tickets/services/orders.py",
            "tickets/management/commands/audit.py",
        )
    )
    for sentence in re.findall(r"\*([a-z][a-z ]+)\*", patterns):
        assert sentence in product
    assert '{"ok": not broken, **report}' in product
    assert '"needs_attention": [asdict' in product
    assert 'path("api/webhooks/payment"' in (ROOT / "ticketsuma/urls.py").read_text()


# -- what is open to whom ---------------------------------------------------------------------
def test_the_world_reaches_the_balancer_and_nothing_else():
    open_doors = {
        (name, rule, body["from_port"])
        for name in MODULES
        if "resource" in module(name)
        for rule, body in resources(module(name), "aws_vpc_security_group_ingress_rule")
        if "cidr_ipv4" in body
    }
    assert open_doors == {("balancer", "https", 443), ("balancer", "http", 80)}


def test_the_database_is_private_encrypted_and_kept():
    database = dict(resources(module("database"), "aws_db_instance"))["this"]
    assert (database["publicly_accessible"], database["storage_encrypted"]) == (False, True)
    assert database["skip_final_snapshot"] is False
    assert "password" not in database, "a password in the state"
    assert "module.network.private_subnet_ids" in str(
        next(block["database"] for block in read()["module"] if "database" in block)["subnet_ids"]
    )


def test_no_role_may_do_everything():
    for name in MODULES:
        for block in module(name).get("data", []):
            for document in block.get("aws_iam_policy_document", {}).values():
                for statement in document["statement"]:
                    assert not any("*" in action for action in statement["actions"])
                    if "*" in statement.get("resources", []):
                        assert statement["actions"] == ["ecr:GetAuthorizationToken"]


def test_tasks_run_as_the_image_s_user_with_a_root_nobody_writes():
    text = (AWS / "modules/shop/main.tf").read_text()
    user = re.search(r"^USER (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[1]
    assert re.search(rf'^\s+user\s+= "{user}"$', text, re.MULTILINE)
    assert re.search(r"^\s+readonlyRootFilesystem\s+= true$", text, re.MULTILINE)
    point = dict(resources(module("covers"), "aws_efs_access_point"))["this"]["posix_user"][0]
    assert f"{point['uid']}:{point['gid']}" == user
