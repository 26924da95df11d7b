"""The scripts of deploy/backup with a folder of their own, for drills."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.processes import Process
from tests.tree import ROOT


class Backups:
    """The two scripts, run as the user that the server runs as, and their folder."""

    def __init__(self, folder: Path, user: str | None, **env: str):
        self.folder, self.user = folder, user
        self.env = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self.env |= {"HOME": str(folder), "BACKUPS": str(folder / "backups"), **env}
        shutil.copytree(ROOT / "deploy" / "backup", folder / "scripts")
        if user:
            subprocess.run(["chown", "-R", user, folder], check=True)
        self.wal = Process(
            "wal", [str(folder / "scripts" / "backup.sh"), "wal"],
            cwd=folder, env=self.env, log=folder / "wal.log", user=user,
        )  # fmt: skip

    def run(self, script: str, *arguments, check: bool = True, **env: str) -> str:
        """What the script said; without `check` also when it failed."""
        done = subprocess.run(
            [self.folder / "scripts" / script, *arguments],
            cwd=self.folder, env=self.env | env, user=self.user, group=self.user,
            extra_groups=[] if self.user else None, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return (done.stdout if check else f"{done.returncode} {done.stderr}").strip()

    def once(self, **env: str) -> Path:
        return Path(self.run("backup.sh", "once", **env).splitlines()[-1])
