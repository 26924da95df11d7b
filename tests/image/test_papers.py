"""Documents for operators: they agree with settings, commands and files."""

import ast
import re
import subprocess

import yaml

from tests.stack import ROOT

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
TOP_LEVEL_OUTSIDE = {
    "assets", "bench", "bin", "docs", "sandbox", "tests", "run", "test", "conftest.py", "pytest.ini",
    "pyproject.toml", "requirements.txt", "requirements-dev.txt", "requirements.lock", "constraints.txt",
    "LICENSE", "Dockerfile", "compose.yaml", "deploy",
}  # fmt: skip


def environment_variables() -> set[str]:
    """Every name that the settings and gunicorn.conf.py ask the environment for."""
    names = set()
    for file in ("ticketsuma/settings.py", "gunicorn.conf.py"):
        for node in ast.walk(ast.parse((ROOT / file).read_text())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            asked = ast.unparse(node.func).startswith(("env.", "os.environ.get"))
            first = node.args[0]
            if (
                asked
                and isinstance(first, ast.Constant)
                and re.fullmatch("[A-Z][A-Z0-9_]+", str(first.value))
            ):
                names.add(first.value)
    return names


def test_every_setting_is_in_the_table():
    from django.conf import settings

    written = set(re.findall(r"^\| `([A-Z0-9_]+)` \|", OPERATIONS, re.MULTILINE))
    limits = {f"LIMIT_{name}" for name in settings.LIMITS}
    assert written == environment_variables() | limits


def test_every_kind_that_needs_attention_says_what_to_do():
    from payments.models import Refund

    source = (ROOT / "tickets" / "staff" / "alerts.py").read_text()
    kinds = set(re.findall(r'(?:Attention|_line)\(\s*"(\w+)"', source))
    kinds |= {
        str(status) for status in (Refund.Status.FAILED, Refund.Status.IN_DOUBT, Refund.Status.NEEDS_ADDRESS)
    }
    section = OPERATIONS.partition("**What needs attention.**")[2].partition("## Backup")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == kinds


def test_every_check_of_the_doctor_says_what_to_do():
    from payments.doctor_advice import ADVICE

    table = OPERATIONS.partition("| Check | What to do when it is not well |")[2].partition("\n\n")[0]
    assert dict(re.findall(r"^\| ([a-z -]+) \| (.*) \|$", table, re.MULTILINE)) == ADVICE


def test_every_file_at_the_top_is_in_the_image_or_stays_outside_on_purpose():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    top = {line.partition("/")[0] for line in listed.splitlines()}
    image = (ROOT / "Dockerfile").read_text()
    copied = {
        word for line in re.findall(r"^COPY (?!--)(.*) \S+$", image, re.MULTILINE) for word in line.split()
    }
    hidden = {name for name in top if name.startswith(".") or name.endswith(".md")}
    assert top - copied - hidden - TOP_LEVEL_OUTSIDE == set()


def test_compose_keeps_every_container_of_ours_behind_the_walls():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    scaled = {name for name, service in services.items() if service.get("profiles") == ["scale"]}
    assert scaled == {"web-1", "web-2", "worker-1", "worker-2", "pooler", "cache", "pushpin", "proxy"}
    assert set(services) - scaled == {"database", "migrate", "app", "worker", "sandbox"}
    for name in set(services) - {"database"}:
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    for name in ("app", "worker"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert services["sandbox"]["profiles"] == ["sandbox"]
    assert all(port.startswith("127.0.0.1:") for port in services["app"]["ports"])


def test_each_image_may_be_built_on_a_base_named_by_its_digest():
    for file in ("Dockerfile", "sandbox/Dockerfile"):
        text = (ROOT / file).read_text()
        assert "\nARG BASE=python:3.11-slim\n" in text, file
        assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${BASE}"}, file
