"""Mutants: runs tests on a copy of the tree from which a patch has taken one guard away.

The patch is a unified diff below header lines
    # test: <a pytest node id that must fail>          (one line each, when several must)
    # why: <one sentence>
and, when a unit test watches what SQLite does not have,
    # database: postgresql
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from tests.environment import IN_MEMORY, due
from tests.stack import MIGRATED, MIGRATED_SQLITE
from tests.tree import copy_tree


def chosen(folder: Path) -> list[Path]:
    """The patches of `folder`, or the part that is due (`MUTANTS`)."""
    return due(sorted(folder.glob("*.patch")), "MUTANTS")


def header(patch: Path, word: str) -> list[str]:
    found = re.findall(rf"^# {word}: (.+)$", patch.read_text(), re.MULTILINE)
    assert found, f"{patch.name} has no line `# {word}: ...`"
    return [line.strip() for line in found]


def outcome(report: Path) -> dict[str, int]:
    suite = next(ElementTree.parse(report).iter("testsuite"))
    return {name: int(suite.get(name)) for name in ("tests", "failures", "errors")}


def mutated_tree(patch: Path, to: Path) -> Path:
    """A copy of the tree as it stands, with `patch` applied."""
    tree = copy_tree(to)
    subprocess.run(["git", "init", "--quiet"], cwd=tree, check=True)  # makes `git apply` look here only
    subprocess.run(["git", "apply", "--whitespace=nowarn", str(patch)], cwd=tree, check=True)
    return tree


def assert_guard_matters(patch: Path, **more_env: str) -> None:
    """The tests that watch the guard run on the mutant, and at least one fails; none stumbles."""
    assert header(patch, "why")
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        _watch(mutated_tree(patch, Path(folder) / "tree"), patch, more_env)


def _watch(tree: Path, patch: Path, more_env: dict[str, str]) -> None:
    watching = header(patch, "test")
    env = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DJANGO_SET"))
    }
    if "\n# database: postgresql\n" in patch.read_text():
        more_env["DATABASE_URL"] = more_env[MIGRATED]  # the test database is another, beside it
        more_env.pop(MIGRATED_SQLITE, None)
    reuse = ["--reuse-db"] if MIGRATED_SQLITE in more_env else []
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*pytest, "--junitxml=report.xml", *reuse, *watching],
        cwd=tree,
        env=env | {"PYTHONDONTWRITEBYTECODE": "1", "TEST_PATIENCE": "1"} | more_env,
        capture_output=True,
        text=True,
        timeout=300,
    )
    said = outcome(tree / "report.xml") if (tree / "report.xml").exists() else {}
    failed_as_it_must = said.get("failures", 0) >= 1 and said["failures"] == said["tests"]
    assert failed_as_it_must, (
        f"{watching} on the mutant: {said}, exit {done.returncode}\n{done.stdout[-4000:]}"
    )
