"""docs/MANIFESTS.md and docs/MODELS.md say what manifests are and which there are; here it is held to."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from edged.models import catalog
from edged.models.lint import examine
from edged.models.manifest import (
    COMING,
    ENGINES,
    Archive,
    Build,
    Edition,
    Folder,
    Https,
    Ingredient,
    Local,
    Manifest,
    ManifestFile,
    Pypi,
    Quality,
    Task,
    Term,
    parse,
)

DOCS = Path(__file__).parent.parent.parent / "docs"
MANIFESTS = (DOCS / "MANIFESTS.md").read_text()
MODELS = (DOCS / "MODELS.md").read_text()
TABLES = (
    Manifest, ManifestFile, Edition, Quality, Build, Ingredient, Https, Pypi, Archive, Local, Folder,
)  # fmt: skip


def examples() -> list[str]:
    return re.findall(r"^```toml \w+\n(.*?)^```", MANIFESTS, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("text", examples())
def test_an_example_is_a_good_manifest(text: str) -> None:
    name = re.search('id = "(.*?)"', text)
    assert name is not None

    manifest = parse(text.encode(), f"{name[1]}.toml")

    assert [one.line for one in examine([manifest]) if one.grave] == []


def test_there_are_a_short_and_a_full_example() -> None:
    short, full = examples()

    assert len(short.splitlines()) < 8
    assert "[[files.sources]]" in full


def test_every_field_task_engine_and_term_is_explained() -> None:
    fields = {name for table in TABLES for name in table.__struct_fields__}
    words = {*fields, *get_args(Task), *get_args(Term), *ENGINES, *COMING, "kind"}

    assert {word for word in words if f"`{word}`" not in MANIFESTS} == set()


def test_the_fields_that_have_to_be_there_are_marked() -> None:
    needed = {field.name for field in msgspec.structs.fields(Manifest) if field.required}
    marked = set(re.findall(r"`(\w+)` \\\*", MANIFESTS))

    assert marked == needed | {"name"}


def test_the_table_of_models_has_each_of_ours_and_no_other() -> None:
    found, _ = catalog.read_folders([catalog.shipped_folder()])
    rows = re.findall(
        r"^\| (\w+) \| `([^`]+)`( \(later\))? \| .* \| ([^|]+) \| [^|]+ \|$", MODELS, re.MULTILINE
    )

    table = {(task, name, bool(later)) for task, name, later, _ in rows}
    licences = {name: licence for _, name, _, licence in rows}
    assert table == {(one.task, one.id, one.engine in COMING) for one in found}
    assert all(licences[one.id].startswith(one.license) for one in found)
