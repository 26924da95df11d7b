"""./run on a machine that lacks something: refused in a sentence; and a bare shell after it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.environment import fresh_secrets
from tests.tree import copy_tree

BARE = {
    "PATH": os.environ["PATH"],
    "HOME": os.environ.get("HOME", "/"),
    "PIP_RETRIES": "0",
    "PIP_TIMEOUT": "2",
    "PIP_CONFIG_FILE": os.devnull,
}


@pytest.fixture
def tree(tmp_path) -> Path:
    tree = copy_tree(tmp_path / "tree")
    shutil.rmtree(tree / "var", ignore_errors=True)
    return tree


def run(tree: Path, **environment: str) -> str:
    """What ./run says when it refuses."""
    done = subprocess.run(
        ["./run"], cwd=tree, env=BARE | environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1, done.stdout
    return done.stderr


def test_a_second_one_in_the_folder_is_refused_with_the_pid(tree):
    (tree / "var").mkdir()
    (tree / "var" / "run.pid").write_text(f"{os.getpid()}\n")
    assert f"./run is running here already (pid {os.getpid()})" in run(tree)
    assert (tree / "var" / "run.pid").exists()


def test_a_python_that_is_asked_for_is_not_replaced_by_another(tree):
    assert "PYTHON=/nowhere is no Python 3.11." in run(tree, PYTHON="/nowhere")
    assert not (tree / "var" / "run.pid").exists()


def test_without_a_network_that_is_what_is_said(tree):
    said = run(tree, PYTHON=sys.executable, PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_NO_CACHE_DIR="1")
    assert "there is no way to the package index from here" in said
    assert "conflicting" not in said


def test_uv_is_asked_first_by_the_settings_of_pip(tree, tmp_path):
    """A uv that fails is no trouble: pip is asked then, and what it says is said."""
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(f'#!/bin/sh\nenv >{tmp_path}/env\necho "$@" >{tmp_path}/arguments\nexit 2\n')
    uv.chmod(0o755)
    said = run(
        tree,
        PATH=f"{uv.parent}:{BARE['PATH']}",
        PYTHON=sys.executable,
        PIP_INDEX_URL="http://127.0.0.1:9/simple",
        PIP_EXTRA_INDEX_URL="http://127.0.0.1:9/one http://127.0.0.1:9/two",
        PIP_FIND_LINKS="/one /two",
        PIP_NO_CACHE_DIR="1",
    )
    assert "there is no way to the package index from here" in said
    asked = (tmp_path / "env").read_text().splitlines()
    assert {
        "UV_DEFAULT_INDEX=http://127.0.0.1:9/simple",
        "UV_INDEX=http://127.0.0.1:9/one http://127.0.0.1:9/two",
        "UV_FIND_LINKS=/one,/two",
        "UV_NO_CACHE=1",
    } <= set(asked)
    arguments = (tmp_path / "arguments").read_text()
    assert "-r requirements.txt -r sandbox/requirements.txt -c constraints.txt" in arguments


def test_a_bare_shell_after_run_has_its_settings(tree):
    (tree / "var").mkdir()
    keys = "".join(f'{name}="{value}"\n' for name, value in fresh_secrets().items())
    (tree / "var" / "dev.env").write_text(keys)
    (tree / "var" / "run.env").write_text('DEBUG="1"\nPORT="8099"\nSITE_URL="http://localhost:8099"\n')
    code = "from django.conf import settings; from payments.uma.keys import published_keys\n"
    code += "published_keys(); print(settings.SITE_URL)"

    def shell(**environment: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
        env = BARE | environment
        return subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True, check=False)

    assert shell().stdout.strip() == "http://localhost:8099", shell().stderr
    assert "does not start" in shell(DEBUG="0").stderr
