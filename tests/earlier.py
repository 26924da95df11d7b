"""The release before this version: its tree, out of the history, to run beside this one.

It runs with this version's libraries. Its tag names it; a history without tags has its schema, which was
written down (`tests/schemas`) in the commit after it.
"""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.tree import ROOT

RELEASE = "v0.9.0"
WRITTEN_DOWN = f"tests/schemas/{RELEASE}.postgresql.txt"


def _git(*arguments: str) -> bytes:
    """What git says; nothing where it fails."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else b""


def tree_of_release(to: Path) -> Path:
    """Put the files of RELEASE into `to`, a new folder. A shallow clone without it skips the test."""
    tagged = _git("rev-parse", "--verify", "--quiet", f"refs/tags/{RELEASE}^{{commit}}")
    before_its_schema = _git("log", "--diff-filter=A", "--format=%P", "--", WRITTEN_DOWN)
    commit = (tagged or before_its_schema).decode().strip()
    archive = _git("archive", commit) if commit else b""
    if not archive and _git("rev-parse", "--is-shallow-repository").strip() == b"true":
        pytest.skip(f"this clone is shallow and lacks {RELEASE} (git fetch --unshallow --tags)")
    assert archive, f"{RELEASE} is not in the history of this clone (git fetch --unshallow --tags)"
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(to, filter="data")
    return to
