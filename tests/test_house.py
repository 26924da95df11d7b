"""Structure of the repository: rules that no linter checks."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.db import migrations
from django.db.migrations.loader import MigrationLoader

from tests.environment import fresh_secrets
from tests.faults.kill_points import POINTS, planted_tree
from tests.tree import ROOT, copy_tree, source_files
from ticketsuma import __version__
from ticketsuma.migration_operations import AddForeignKey, AddIndexBesideSales, GiveWay

HEIGHT = {"accounts": 0, "events": 1, "payments": 1, "tickets": 2, "ticketsuma": 3}
LONGEST = 300
HISTORY_OF_THE_SCHEMA = "migrations"
# One subject each, longer by nature, with the length they may not pass.
LONG_BY_NATURE = {
    "ticketsuma/settings.py": 505,  # every setting on one page, top to bottom
    "payments/models.py": 480,  # the tables of money, which are read together
    "tickets/models.py": 420,  # likewise, of what was sold
    "events/models.py": 375,  # the event, all of it
    "events/catalogue_models.py": 615,  # types and codes, which are claimed together
    "events/api.py": 320,  # events and their types
    "tickets/api/serializers.py": 375,  # all bodies of orders and tickets
    "tickets/api/viewsets.py": 310,
    "tickets/services/orders.py": 370,  # an order from hold to end
    "tickets/staff/audit.py": 320,  # a function for each check
    "tickets/tests/test_buying_types.py": 340,
    "tickets/tests/test_lines.py": 490,
    "tests/faults/test_machine.py": 360,
    "payments/node/lightspark.py": 360,  # the only importer of the SDK
}


def our_models():
    return [model for model in apps.get_models() if model._meta.app_label in HEIGHT]


@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_foreign_keys_point_the_way_imports_point(model):
    """A string reference ("tickets.Order") hides from the import linter; the database would still know."""
    here = model._meta.app_label
    for field in model._meta.get_fields():
        if field.is_relation and field.concrete and field.related_model:
            there = field.related_model._meta.app_label
            if there in HEIGHT and there != here:
                assert HEIGHT[there] < HEIGHT[here], f"{model._meta.label}.{field.name} points up, to {there}"


def test_no_file_is_longer_than_a_reader_can_hold():
    too_long = {
        str(file): lines
        for file in source_files()
        if file.suffix == ".py" and HISTORY_OF_THE_SCHEMA not in file.parts
        if (lines := len((ROOT / file).read_text().splitlines())) > LONG_BY_NATURE.get(str(file), LONGEST)
    }
    assert too_long == {}


def test_nothing_is_filed_under_a_name_that_says_nothing():
    empty_words = {"utils", "helpers", "misc", "common"}
    assert [str(f) for f in source_files() if f.suffix == ".py" and empty_words & {f.stem, *f.parts}] == []


def test_module_docstrings_say_what_the_module_holds():
    """ "Subject: what it does"; a question word at its start makes the reader guess the subject."""
    asking = {
        str(file): first
        for file in source_files()
        if file.suffix == ".py"
        if (first := (docstring_of(file).split() or [""])[0])
        in {"What", "Who", "Whose", "How", "Whether", "Where"}
    }
    assert asking == {}


def docstring_of(file) -> str:
    return ast.get_docstring(ast.parse((ROOT / file).read_text())) or ""


ABSENT_DOCUMENTS = re.compile(
    r"\bdesign,? section|\bseed's (word|name)|\bplan (it|they) came from|\bissue #?\d|\b(the|our) brief\b",
    re.IGNORECASE,
)


def test_no_text_refers_to_a_document_that_is_not_here():
    here = "tests/test_house.py"
    found = [
        f"{file}: {match[0]}"
        for file in source_files()
        if file.suffix in {".py", ".md", ".html", ".js", ".css", ".sh"} and str(file) != here
        for match in ABSENT_DOCUMENTS.finditer((ROOT / file).read_text())
    ]
    assert found == []


DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    *(f"docs/{f.name}" for f in ROOT.glob("docs/*.md")),
    *(str(f.relative_to(ROOT)) for f in ROOT.glob("deploy/*/README.md")),
]
TREE = re.compile(r"^```text\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# a/file.py, a/file.py::test_name, or `a/file.py` and then its `function()`
FILE = re.compile(r"(?<![\w/.-])([\w./-]+\.py)\b(?:::(\w+)|`\s`(?:\w+\.)?(\w+)\(\)`)?")
MODULE = re.compile(rf"(?:`|-m )((?:{'|'.join([*HEIGHT, 'tests'])})(?:\.\w+)+)")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_documents_name_exists(document):
    """Files by their path from the root, or by their bare name, and modules, each with what it defines."""
    text = TREE.sub("", (ROOT / document).read_text())
    files = {str(file): file for file in source_files()}
    bare_names = {file.name for file in files.values()}
    gone = [
        found[0]
        for found in FILE.finditer(text)
        for path, defined in [(found[1], found[2] or found[3])]
        if (path not in files if "/" in path else path not in bare_names)
        or (defined and not defines(ROOT / path, defined))
    ]
    gone += [name for name in MODULE.findall(text) if ".example." not in name and not is_ours(name)]
    assert gone == []


def defines(file: Path, name: str) -> bool:
    return bool(
        re.search(rf"^\s*((async )?def|class) {name}\b|^\s*{name}\b[^(\n]*=", file.read_text(), re.MULTILINE)
    )


def is_ours(name: str) -> bool:
    """Is `tickets.services.orders.place_order` a module, or what a module defines?"""
    path = ROOT.joinpath(*name.split("."))
    if path.is_dir() or path.with_suffix(".py").is_file():
        return True
    module = path.parent / "__init__.py" if path.parent.is_dir() else path.parent.with_suffix(".py")
    return module.is_file() and defines(module, path.name)


def test_the_tree_in_the_architecture_is_the_tree():
    """A line for each module of the product, with what it holds; none for a module that is gone."""
    folders: list[str] = []
    told = []
    for line in TREE.search((ROOT / "docs/architecture.md").read_text())[1].splitlines():
        name, _space, holds = line.strip().partition(" ")
        depth = (len(line) - len(line.lstrip())) // 2
        assert holds.strip() or not line, f"docs/architecture.md: what does {name} hold?"
        folders[depth:] = [name]
        if name.endswith(".py"):
            told.append("".join(folders))
    modules = [
        str(file)
        for file in source_files()
        if file.suffix == ".py" and file.parts[0] in HEIGHT and not {"tests", "migrations"} & set(file.parts)
    ]
    there = {module for module in modules if not module.endswith(("/__init__.py", "/apps.py"))}
    assert {"without a line": there - set(told), "gone": set(told) - there} == {
        "without a line": set(),
        "gone": set(),
    }
    assert len(told) == len(there), "a module has two lines"


def migrations_beside_sales():
    loader = MigrationLoader(None)
    first = "0001_initial"  # before it there are no tables
    return [one for (app, name), one in loader.disk_migrations.items() if is_of_ours(app) and name != first]


def is_of_ours(app: str) -> bool:
    return not {"site-packages", "dist-packages"} & set(Path(apps.get_app_config(app).path).parts)


def builds_in_the_way(operation, new_tables: set[str]) -> bool:
    """Does it read every row of a table that is there, for an index or a check, while nobody can write?"""
    if getattr(operation, "model_name_lower", "") in new_tables:
        return False
    if isinstance(operation, AddForeignKey):
        return False
    if isinstance(operation, migrations.AddField | migrations.AlterField):
        return operation.field.unique or operation.field.db_index
    return type(operation) in {migrations.AddIndex, migrations.AddConstraint}


@pytest.mark.parametrize("migration", migrations_beside_sales(), ids=str)
def test_migrations_let_sales_go_on(migration):
    """Old processes sell while it runs: see ticketsuma/migration_operations.py for what to write instead."""
    made = {one.name_lower for one in migration.operations if isinstance(one, migrations.CreateModel)}
    assert [one.describe() for one in migration.operations if builds_in_the_way(one, made)] == []
    if migration.atomic:
        assert isinstance(migration.operations[0], GiveWay), "an atomic one begins with GiveWay()"
    else:
        repeatable = AddIndexBesideSales | migrations.RunPython
        assert [one.describe() for one in migration.operations if not isinstance(one, repeatable)] == []


def test_decisions_are_numbered():
    text = (ROOT / "docs/decisions.md").read_text()
    headings = re.findall(r"^## (.*?) · .+\n\n20\d\d-\d\d-\d\d\. ", text, re.MULTILINE)
    assert headings == [f"D-{number:03}" for number in range(1, len(headings) + 1)]
    assert len(headings) == text.count("\n## ")
    assert not re.search(r"^\*\*20", text, re.MULTILINE), "a decision begins with its heading"


def test_the_version_is_the_newest_of_the_changelog():
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(__version__)} \(20\d\d-\d\d-\d\d\)", headings[1])


def test_the_shop_starts_with_the_sandbox_deleted(tmp_path):
    tree = copy_tree(tmp_path / "tree", without=("sandbox",))
    assert not (tree / "sandbox").exists()
    # Production settings, with nothing of this test run in the environment.
    env = {"PATH": os.environ["PATH"], **fresh_secrets(), "VAR_DIR": str(tmp_path / "var")}
    env |= {
        "SITE_URL": "https://tickets.example.com",
        "LIGHTSPARK_NETWORK": "MAINNET",
        "EMAIL_URL": "dummymail://",
    }
    for command in (["check", "--fail-level", "WARNING"], ["migrate", "--no-input", "--verbosity=0"]):
        done = subprocess.run(
            [sys.executable, "manage.py", *command], cwd=tree, env=env, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"


def pins(file: str) -> dict[str, str]:
    """The version of each line `name==version`, by the name as package indexes spell it."""
    found = re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==([^\s;]+)", (ROOT / file).read_text(), re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


def test_the_image_installs_what_is_asked_for_by_its_hash():
    locked = pins("requirements.lock")
    assert pins("requirements.txt").items() <= locked.items() <= pins("constraints.txt").items()
    entries = re.split(r"\n(?=\w)", (ROOT / "requirements.lock").read_text())[1:]
    assert [entry for entry in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}", entry)] == []
    assert len(entries) == len(locked), "each is pinned, and none by an address"


def test_every_guard_that_is_removed_in_a_test_is_still_there(tmp_path):
    """The patches of mutants and controls fit the tree; run, they take minutes."""
    patches = [*ROOT.glob("tests/mutants/*.patch"), *ROOT.glob("tests/faults/controls/*.patch")]
    assert len(patches) > 15
    tree = copy_tree(tmp_path / "tree")
    subprocess.run(["git", "init", "--quiet"], cwd=tree, check=True)
    check = ["git", "apply", "--check", "--whitespace=nowarn"]
    unfit = [p.name for p in patches if subprocess.run([*check, str(p)], cwd=tree, check=False).returncode]
    assert unfit == []


def test_every_line_at_which_a_test_kills_is_still_there(tmp_path):
    assert len(POINTS) > 10
    planted_tree(tmp_path / "tree")
