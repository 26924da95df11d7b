"""deploy/backup without a database: keys are sealed for their owner; shellcheck finds nothing."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.backups import Backups
from tests.tree import ROOT


@pytest.mark.skipif(not shutil.which("gpg"), reason="gpg is not on this machine (Debian: apt install gnupg)")
def test_keys_open_for_their_owner_alone(tmp_path):
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    owner = [
        "gpg",
        "--homedir",
        str(home),
        "--batch",
        "--quiet",
        "--passphrase",
        "",
        "--pinentry-mode",
        "loopback",
    ]
    subprocess.run(
        [*owner, "--quick-generate-key", "Owner <owner@example.com>"], check=True, capture_output=True
    )
    exported = subprocess.run([*owner, "--export"], check=True, capture_output=True).stdout
    (tmp_path / "public.gpg").write_bytes(exported)
    (tmp_path / "shop.env").write_text("SECRET_KEY=opens-everything\n")
    backups = Backups(tmp_path / "vault", None, GNUPGHOME=str(tmp_path / "empty"))
    (tmp_path / "empty").mkdir(mode=0o700)
    try:
        sealed = backups.run("backup.sh", "keys", tmp_path / "shop.env", tmp_path / "public.gpg")
        assert b"opens-everything" not in Path(sealed).read_bytes()
        opened = subprocess.run([*owner, "--decrypt", sealed], check=True, capture_output=True)
        assert opened.stdout == b"SECRET_KEY=opens-everything\n"
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)


def test_the_scripts_have_no_fault_that_shellcheck_knows():
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not on this machine (Debian: apt install shellcheck)")
    scripts = sorted((ROOT / "deploy" / "backup").glob("*.sh"))
    done = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
