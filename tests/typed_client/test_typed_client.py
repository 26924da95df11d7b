"""A generated TypeScript client: made from the API's description, and type-checked by a compiler."""

import subprocess
from pathlib import Path

from tests.tree import ROOT

HERE = Path(__file__).parent
PROGRAMS = HERE / "node_modules" / ".bin"


def run(*command: object) -> None:
    done = subprocess.run(
        [str(part) for part in command], cwd=HERE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_front_end_compiles_against_the_description(tmp_path):
    run(PROGRAMS / "openapi-typescript", ROOT / "docs" / "openapi.yaml", "--output", tmp_path / "api.ts")
    (tmp_path / "client.ts").write_text((HERE / "client.ts").read_text())
    run(PROGRAMS / "tsc", "--strict", "--noEmit", "--skipLibCheck", "--moduleResolution", "bundler",
        "--module", "es2022", tmp_path / "client.ts")  # fmt: skip
