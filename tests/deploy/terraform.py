"""Terraform files of deploy/aws, read without Terraform."""

from collections.abc import Iterator
from typing import Any

import hcl2

from tests.tree import ROOT

AWS = ROOT / "deploy" / "aws"
OPTIONS = hcl2.SerializationOptions(strip_string_quotes=True, explicit_blocks=False, with_comments=False)


def read(folder: str = "") -> dict[str, list[Any]]:
    """Every block of the files in one folder, by its kind."""
    blocks: dict[str, list[Any]] = {}
    for file in sorted((AWS / folder).glob("*.tf")):
        with file.open() as opened:
            for kind, found in hcl2.load(opened, serialization_options=OPTIONS).items():
                blocks.setdefault(kind, []).extend(found)
    return blocks


def module(name: str) -> dict[str, list[Any]]:
    return read(f"modules/{name}")


def resources(blocks: dict[str, list[Any]], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The resources of one kind, each with its name."""
    for block in blocks["resource"]:
        yield from block.get(kind, {}).items()
