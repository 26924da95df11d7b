"""deploy/aws/deploy.sh against programs that play Terraform, Docker and AWS: its steps, and going back."""

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.tree import ROOT

SCRIPT = ROOT / "deploy" / "aws" / "deploy.sh"
BEFORE, REPOSITORY = "repo.example/tickets@sha256:before", "repo.example/tickets"
pytestmark = pytest.mark.skipif(
    not shutil.which("jq"), reason="jq is not on this machine (Debian: apt install jq)"
)

OUTPUTS = {
    "repository_url": REPOSITORY,
    "site_url": "https://tickets.example.com",
    "cluster": "tickets",
    "secret_arn": "arn:secret",
    "secret_names": ["JWT_SECRET", "SECRET_KEY"],
    "tasks": {
        "definitions": {"migrate": "tickets-migrate:2", "audit": "tickets-audit:2"},
        "subnets": ["subnet-1"],
        "security_groups": ["sg-1"],
        "has_public_ip": True,
    },
}
PLAYED = """#!/bin/sh
name=${0##*/}
printf '%s %s\\n' "$name" "$*" >>"$STAGE/said"
case "$name $*" in
*"output -json image"*) cat "$STAGE/image" 2>/dev/null || exit 1 ;;
*"output -json "*) cat "$STAGE/output-${4}" ;;
*" apply "*) for a; do case $a in image=*) printf '"%s"' "${a#image=}" >"$STAGE/image" ;; esac; done ;;
*"describe-images"*imageDigest*) echo sha256:after ;;
*"describe-images"*) exit 1 ;;
*"get-login-password"*) echo password ;;
*"docker login"*) cat >/dev/null ;;
*"docker image inspect"*) echo python@sha256:base ;;
*"run-task"*) echo arn:task/1 ;;
*"describe-tasks"*) cat "$STAGE/exit-code" ;;
*"get-log-events"*) echo '[]' ;;
*"put-secret-value"*) cat >"$STAGE/secrets" ;;
*"git "*status*) : ;;
*"git "*rev-parse*) echo 0123abc ;;
*curl*/health) grep -q "$(cat "$STAGE/well")" "$STAGE/image" && echo '{"status": "ok"}' || exit 22 ;;
*curl*/api/events) echo '{"results": []}' ;;
esac
"""


class Stage:
    def __init__(self, folder: Path):
        self.folder, self.programs = folder, folder / "bin"
        self.programs.mkdir()
        for name in ("terraform", "aws", "docker", "git", "curl"):
            (self.programs / name).write_text(PLAYED)
            (self.programs / name).chmod(stat.S_IRWXU)
        for name, value in OUTPUTS.items():
            (folder / f"output-{name}").write_text(json.dumps(value))
        self.write(**{"exit-code": "0", "well": "sha256", "said": ""})

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.folder / name).write_text(text)

    def runs(self, image: str) -> None:
        self.write(image=json.dumps(image))

    def deploy(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [SCRIPT, *arguments],
            env={"PATH": f"{self.programs}:{os.environ['PATH']}", "STAGE": str(self.folder)}
            | {"SMOKE_SECONDS": "0"}
            | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def said(self, *words: str) -> list[str]:
        """Each of `words` in the order in which a program was told it."""
        lines = (self.folder / "said").read_text().splitlines()
        return [word for line in lines for word in words if word in line]

    @property
    def image(self) -> str:
        return json.loads((self.folder / "image").read_text())


@pytest.fixture
def stage(tmp_path) -> Stage:
    return Stage(tmp_path)


AFTER = f"{REPOSITORY}@sha256:after"
STEPS = ("docker build", "docker push", "run-task", "/health")


def test_the_script_has_no_fault_that_shellcheck_knows():
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not on this machine (Debian: apt install shellcheck)")
    done = subprocess.run(["shellcheck", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_base_is_named_by_its_digest(stage):
    stage.runs(BEFORE)
    stage.deploy("roll-out")
    assert stage.said("BASE=python@sha256:base") == ["BASE=python@sha256:base"]
    stage.write(said="")
    stage.deploy("roll-out", BASE="python@sha256:former")
    assert stage.said("BASE=python@sha256:former", "docker pull") == ["BASE=python@sha256:former"]


def test_a_version_is_built_pushed_migrated_rolled_out_and_looked_at(stage):
    stage.runs(BEFORE)
    done = stage.deploy("roll-out")
    assert done.returncode == 0, done.stderr
    assert stage.said(*STEPS) == ["docker build", "docker push", "run-task", "/health"]
    new, old = f"image={AFTER} -var migrate_image={AFTER}", f"image={BEFORE} -var migrate_image={AFTER}"
    assert stage.said(new, "run-task", old) == [old, "run-task", new], "the old one runs until it is migrated"
    assert stage.image == AFTER


def test_a_first_version_has_nothing_before_it(stage):
    done = stage.deploy("roll-out")
    assert done.returncode == 0, done.stderr
    assert stage.image == AFTER


def test_a_migration_that_fails_changes_nothing_that_runs(stage):
    stage.runs(BEFORE)
    stage.write(**{"exit-code": "1"})
    done = stage.deploy("roll-out")
    assert (done.returncode, stage.image) == (1, BEFORE)
    assert "The migration failed" in done.stderr


def test_a_version_that_is_not_well_is_taken_back(stage):
    stage.runs(BEFORE)
    stage.write(well="before")
    done = stage.deploy("roll-out")
    assert (done.returncode, stage.image) == (1, BEFORE)
    assert "the former one runs again" in done.stderr


def test_somebody_goes_back_by_hand(stage):
    stage.runs(AFTER)
    done = stage.deploy("roll-back", BEFORE)
    assert (done.returncode, stage.image) == (0, BEFORE), done.stderr
    assert stage.said("docker build", "run-task") == []
    assert stage.deploy("roll-back", "tickets:latest").returncode == 1


def test_a_dry_run_says_every_step_and_does_none(stage):
    stage.runs(BEFORE)
    done = stage.deploy("roll-out", DRY_RUN="1")
    assert done.returncode == 0, done.stderr
    assert [line for line in (*STEPS, " apply ") if line not in done.stderr] == []
    assert stage.said("docker", " apply ", "run-task", "curl") == []
    assert stage.image == BEFORE


def test_secrets_go_in_whole_and_never_by_a_command_line(stage, tmp_path):
    env = tmp_path / "secrets.env"
    env.write_text("# mine\nSECRET_KEY=one=two\nJWT_SECRET=three\nSITE_URL=https://x\n")
    done = stage.deploy("secrets", str(env))
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "secrets").read_text()) == {"SECRET_KEY": "one=two", "JWT_SECRET": "three"}
    assert stage.said("one=two", "three") == []
    env.write_text("SECRET_KEY=one\n")
    refused = stage.deploy("secrets", str(env))
    assert (refused.returncode, "lacks JWT_SECRET" in refused.stderr) == (1, True)


def test_one_command_runs_in_a_task_of_its_own(stage):
    done = stage.deploy("run", "python", "manage.py", "doctor")
    assert done.returncode == 0, done.stderr
    assert stage.said('"command":["python","manage.py","doctor"]', "tickets-audit:2")
    stage.write(**{"exit-code": "None"})
    assert stage.deploy("run", "true").returncode == 1
