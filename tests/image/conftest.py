"""The image's file tree, built once and started as the containers are: another user, nothing writable."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.environment import fresh_secrets
from tests.processes import Process, free_port, wait_until
from tests.stack import ROOT, Stack

IMAGE = str(ROOT / "bin" / "image_tree.sh")


class Tree:
    """The image's root folder."""

    def __init__(self, root: Path):
        self.root, self.app = root, root / "app"

    def run(self, *command: str, env: dict[str, str], seconds: float = 60) -> subprocess.CompletedProcess:
        """Run a command as a container would; "start" is the image's own."""
        return subprocess.run(
            [IMAGE, str(self.root), *command],
            env={"PATH": os.environ["PATH"]} | env,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )


class ImageStack(Stack):
    """The sandbox from the source tree; web servers and worker from the image, with production settings."""

    def __init__(self, tree: Tree, folder: Path, database_url: str):
        mails = f"filemail:///{tree.root / 'data' / 'mail'}"
        super().__init__(
            folder, database_url, webs=2, DEBUG="0", ALLOW_TEST_NETWORK="1", EMAIL_URL=mails, WEB_THREADS="64"
        )
        self.tree, start = tree, [IMAGE, str(tree.root)]
        self.webs = [
            self._contained(f"web{number}", [*start, "start"], PORT=str(port))
            for number, port in enumerate(self.ports)
        ]
        self.workers = [self._contained("worker0", [*start, "python", "manage.py", "worker"])]

    def _contained(self, name: str, command: list[str], **more: str) -> Process:
        process = self._process(name, command, **more)
        del process.env["VAR_DIR"]  # the image's own
        return process

    def behind_proxy(self) -> tuple[Process, str]:
        """One more web server that believes it is https://tickets.example.com behind one proxy."""
        port = free_port()
        more = {"SITE_URL": "https://tickets.example.com", "UMA_DOMAIN": "tickets.example.com"}
        more |= {"TRUSTED_PROXIES": "1", "PORT": str(port)}
        return self._contained("web-https", list(self.web.command), **more), f"http://127.0.0.1:{port}"

    def mailed(self) -> str:
        """The text of every mail sent so far."""
        return "".join(path.read_text() for path in (self.tree.root / "data" / "mail").glob("*"))

    def log_lines(self) -> list[str]:
        """Everything web servers and worker have said."""
        processes = [*self.webs, *self.workers]
        return [line for process in processes for line in process.log.read_text().splitlines()]


@pytest.fixture(scope="session")
def tree():
    """Built anew; the image's user must be able to reach it, so it is not in pytest's private folder."""
    root = Path(tempfile.mkdtemp(prefix="ticketsuma-image-"))
    try:
        built = subprocess.run([IMAGE, str(root)], capture_output=True, text=True, timeout=600, check=False)
        assert built.returncode == 0, built.stdout + built.stderr
        yield Tree(root)
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(root)], check=True)
        shutil.rmtree(root)


@pytest.fixture
def production() -> dict[str, str]:
    """The least that a production shop needs."""
    wiring = {"SITE_URL": "https://tickets.example.com", "EMAIL_URL": "dummymail://", "VAR_DIR": "/nowhere"}
    return fresh_secrets() | wiring


@pytest.fixture(scope="session")
def shop(tree, postgres):
    """The whole shop: migrated by the image's own command, then two web servers and a worker."""
    folder = Path(tempfile.mkdtemp(prefix="ticketsuma-production-"))
    stack = ImageStack(tree, folder / "stack", postgres.create_database(f"image_{os.getpid()}"))
    migrated = tree.run("python", "manage.py", "migrate", "--no-input", env=stack.web.env)
    assert migrated.returncode == 0, migrated.stderr
    yield stack.start()
    stack.close()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def behind_proxy(shop):
    process, url = shop.behind_proxy()
    process.start()
    wait_until(lambda: "Booting worker" in process.tail(), 30, "the server behind a proxy is up")
    yield url
    process.stop()


@pytest.fixture(scope="session")
def static_files(shop) -> list[str]:
    """What the start page fetches from /static/."""
    import requests

    page = requests.get(f"{shop.shop_url}/", timeout=20).text
    return sorted(set(re.findall(r'["\'](/static/[^"\'?#]+)', page)))
