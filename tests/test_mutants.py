"""Every guard matters: with the guard patched out of a copy of the tree, the test that watches it must fail.

A mutant is `tests/mutants/<name>.patch`: a unified diff that takes one guard away, below header lines
    # test: <a pytest node id that must fail>          (one line each, when several must)
    # why: <one sentence>
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.tree import ROOT, copy_tree

MUTANTS = sorted(Path(__file__).with_name("mutants").glob("*.patch"))


def header(patch: Path, word: str) -> list[str]:
    found = re.findall(rf"^# {word}: (.+)$", patch.read_text(), re.MULTILINE)
    assert found, f"{patch.name} has no line `# {word}: ...`"
    return [line.strip() for line in found]


def outcome(report: Path) -> dict[str, int]:
    suite = next(ElementTree.parse(report).iter("testsuite"))
    return {name: int(suite.get(name)) for name in ("tests", "failures", "errors")}


@pytest.mark.parametrize("patch", MUTANTS, ids=lambda path: path.stem)
def test_without_its_guard_the_watching_test_fails(patch, tmp_path, request):
    watching = header(patch, "test")
    assert header(patch, "why")
    tree = copy_tree(tmp_path / "tree")
    subprocess.run(["git", "init", "--quiet"], cwd=tree, check=True)  # makes `git apply` look here only
    subprocess.run(["git", "apply", "--whitespace=nowarn", str(patch)], cwd=tree, check=True)
    env = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DJANGO_SET"))
    }
    if "postgres" in request.fixturenames or env.get("TEST_DATABASE_URL"):
        env["TEST_DATABASE_URL"] = env.get("TEST_DATABASE_URL", "")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=report.xml", *watching],
        cwd=tree,
        env=env | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    said = outcome(tree / "report.xml") if (tree / "report.xml").exists() else {}
    failed_as_it_must = said.get("failures", 0) >= 1 and said.get("errors") == 0
    assert failed_as_it_must, (
        f"{watching} on the mutant: {said}, exit {done.returncode}\n{done.stdout[-4000:]}"
    )


def test_there_are_mutants():
    assert MUTANTS, f"no patches in {ROOT / 'tests' / 'mutants'}"
