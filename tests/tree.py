"""A copy of the source tree as it stands, committed or not, to break on purpose."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def source_files() -> list[Path]:
    """Every file of the project that git would keep, relative to its root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file())


def copy_tree(to: Path, without: tuple[str, ...] = ()) -> Path:
    """Copy the source into `to`, leaving out the top-level folders `without`."""
    for file in source_files():
        if file.parts[0] not in without:
            (to / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, to / file)
    return to
