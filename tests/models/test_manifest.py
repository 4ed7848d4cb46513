"""Manifests: every complaint names the file, the field and what to do."""

from pathlib import Path

import msgspec
import pytest

from edged.errors import ConfigError
from edged.models import catalog
from edged.models import manifest as manifests
from edged.models.lint import lint
from edged.models.manifest import Manifest

GOOD = """
id = "tiny"
task = "transcribe"
engine = "pocketsphinx"
description = "a tiny one"
license = "MIT"
memory_bytes = 1000
[[files]]
name = "model.bin"
bytes = 3
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
wheel = "tiny-wheel"
member = "tiny/model.bin"
[quality]
metric = "word_error_rate"
value = 0.5
source = "us"
"""


def written(folder: Path, text: str, name: str = "tiny.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_manifest_is_read(tmp_path: Path) -> None:
    found = manifests.read(written(tmp_path, GOOD))

    assert found.id == found.process == "tiny"
    assert found.size_bytes == 3
    assert lint([found]) == []


@pytest.mark.parametrize(
    ("old", "new", "field", "fix"),
    [
        ('license = "MIT"', "", "license", "add `license`"),
        ('license = "MIT"', 'license = "MIT"\nlicence = "x"', "licence", "remove `licence`"),
        ("memory_bytes = 1000", 'memory_bytes = "much"', "memory_bytes", "correct the field"),
        ("memory_bytes = 1000", "memory_bytes = 0", "memory_bytes", "correct the field"),
        ("bytes = 3", "bytes = -3", "files", "correct the field"),
        ('sha256 = "00', 'sha256 = "zz', "sha256", "correct the field"),
        ('task = "transcribe"', 'task = "dance"', "task", "correct the field"),
        ('id = "tiny"', 'id = "other"', "`id`", "name the file other.toml"),
        ('id = "tiny"', "id = ", "TOML", "correct that line"),
    ],
)
def test_a_wrong_manifest_is_refused_with_file_field_and_fix(
    tmp_path: Path, old: str, new: str, field: str, fix: str
) -> None:
    path = written(tmp_path, GOOD.replace(old, new, 1))

    with pytest.raises(ConfigError) as caught:
        manifests.read(path)

    assert "tiny.toml" in caught.value.message
    assert field in caught.value.message
    assert fix in caught.value.fix


def test_an_unreadable_manifest_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        manifests.read(tmp_path / "tiny.toml")


def test_a_users_manifest_replaces_ours_and_a_broken_one_costs_only_itself(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    written(ours, GOOD)
    written(theirs, GOOD.replace("a tiny one", "their own"))
    written(theirs, "x", "broken.toml")

    found, problems = catalog.read_folders([ours, theirs, tmp_path / "missing"])

    assert [one.description for one in found] == ["their own"]
    assert len(problems) == 1
    assert "broken.toml" in problems[0]


def changed(**facts: object) -> Manifest:
    plain = {
        "id": "a",
        "task": "vad",
        "engine": "silero",
        "description": "",
        "license": "MIT",
        "memory_bytes": 1,
    }
    return msgspec.convert(plain | facts, Manifest)


def file(**facts: object) -> dict[str, object]:
    return {"name": "m", "bytes": 1, "sha256": "0" * 64} | facts


@pytest.mark.parametrize(
    ("facts", "complaint"),
    [
        ({"engine": "magic"}, "`engine`: magic is unknown"),
        ({"packs": True}, "`packs`"),
        ({"files": [file(), file()]}, "two files with the same name"),
        ({"files": [file(wheel="w")]}, "`wheel` and `member` together"),
        ({"files": [file(wheel="w", member="m", path="p")]}, "both `wheel` and `path`"),
        ({"files": [file(name="../m")]}, "`name` must stay inside"),
        ({"files": [file(path="a/../../m")]}, "`path` must stay inside"),
        ({"files": [file(wheel="w", member="/etc/passwd")]}, "`member` must stay inside"),
    ],
)
def test_lint_finds_what_a_schema_cannot(facts: dict[str, object], complaint: str) -> None:
    (line,) = lint([changed(**facts)])

    assert line.startswith("a: ")
    assert complaint in line


def test_lint_refuses_a_holder_of_the_gil_in_company() -> None:
    mates = [changed(id="a", worker="small", holds_gil=True), changed(id="b", worker="small")]

    (line,) = lint(mates)

    assert line.startswith("a: `worker`: it holds the GIL and cannot share a process with b")


def test_lint_refuses_a_holder_of_the_gil_whose_process_another_one_joins() -> None:
    mates = [changed(id="a", holds_gil=True), changed(id="b", worker="a")]

    assert len(lint(mates)) == 1


def test_lint_lets_others_share() -> None:
    mates = [changed(id="a", worker="small"), changed(id="b", worker="small")]

    assert lint(mates) == []


def test_our_own_manifests_are_good() -> None:
    found, problems = catalog.read_folders([catalog.shipped_folder()])

    assert problems == []
    assert lint(found) == []
