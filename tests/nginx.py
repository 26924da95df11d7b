"""A real nginx in front of a shop, configured exactly as docs/operations.md says."""

import getpass
import os
import re
import subprocess
from pathlib import Path

from payments.tests.test_uma_safe_http import self_signed
from tests.processes import Process, find_program, wait_until
from tests.stack import ROOT


def documented(folder: Path, *, shop_port: int, port: int, plain_port: int) -> str:
    """The configuration in docs/operations.md, with these ports and files in `folder`."""
    [text] = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs" / "operations.md").read_text(), re.DOTALL)
    for theirs, ours in {
        "listen 443": f"listen 127.0.0.1:{port}",
        "listen 80": f"listen 127.0.0.1:{plain_port}",
        "tickets.example.com": "localhost",
        "127.0.0.1:8080": f"127.0.0.1:{shop_port}",
        "/etc/ssl/tickets/fullchain.pem": f"{folder}/paper.pem",
        "/etc/ssl/tickets/privkey.pem": f"{folder}/paper.pem",
        "/var/log/nginx/tickets.log": f"{folder}/access.log",
        "/var/cache/nginx/tickets": f"{folder}/cache",
    }.items():
        assert theirs in text
        text = text.replace(theirs, ours)
    return text


def nginx(folder: Path, *, shop_port: int, port: int, plain_port: int) -> Process:
    """nginx with its files in `folder`, its configuration checked, running."""
    (folder / "paper.pem").write_bytes(self_signed("localhost"))
    user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
    temporary = " ".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    site_conf = documented(folder, shop_port=shop_port, port=port, plain_port=plain_port)
    (folder / "nginx.conf").write_text(
        f"daemon off; {user} pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ {temporary}\n{site_conf} }}\n"
    )
    command = [find_program("nginx"), "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert (tested.returncode, "[warn]" in tested.stderr) == (0, False), tested.stderr
    process = Process("nginx", command, cwd=folder, env={}, log=folder / "nginx.log").start()
    wait_until((folder / "pid").exists, 10, "nginx is up")
    return process
