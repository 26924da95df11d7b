"""Libraries in the image: the papers name each, with a licence by which it may be passed on."""

import csv
import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.stack import ROOT
from tests.test_house import pins

PERMISSIVE = re.compile(r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|Unlicense")
# Used as they are and replaceable, which is what these ask.
WEAK_COPYLEFT = {"psycopg", "psycopg-binary", "psycopg-pool", "certifi", "pywebpush", "py-vapid"}
READ_BY_HAND = {"resvg-py"}  # MIT: its file has the text, and its metadata say nothing


@pytest.fixture(scope="module")
def papers(tree, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("papers")
    command = [str(ROOT / "deploy/image/papers.sh"), str(folder), str(tree.root / "opt/venv/bin/python")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_sbom_names_what_the_image_installs(papers):
    components = json.loads((papers / "sbom.cdx.json").read_text())["components"]
    named = {normal(one["name"]): one["version"] for one in components}
    assert pins("requirements.txt").items() <= named.items() <= pins("requirements.lock").items()


def test_each_licence_lets_the_shop_be_passed_on(papers):
    with (papers / "licences.csv").open() as file:
        said = {normal(row["Name"]): row["License"] for row in csv.DictReader(file)}
    assert len(said) > 50
    unclear = {name: licence for name, licence in said.items() if not PERMISSIVE.search(licence)}
    assert set(unclear) - WEAK_COPYLEFT - READ_BY_HAND == set(), unclear
    assert {name for name, licence in said.items() if "GPL" in licence} <= WEAK_COPYLEFT
