"""Manifests: every complaint names the file, the field and what to do."""

from pathlib import Path

import msgspec
import pytest

from edged.errors import ConfigError
from edged.models import catalog
from edged.models import manifest as manifests
from edged.models.lint import lint
from edged.models.manifest import Manifest, ManifestFile

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
    ("old", "new", "line", "field", "fix"),
    [
        ('license = "MIT"', "", 1, "`license` is missing", "add `license`"),
        ('license = "MIT"', 'license = "MIT"\nlicence = "x"', 7, "`licence`", "write `license`"),
        ('license = "MIT"', 'license = "MIT"\nxyz = "x"', 7, "`xyz` is unknown", "remove `xyz`;"),
        ("memory_bytes = 1000", 'memory_bytes = "much"', 7, "`memory_bytes`", "a whole number"),
        ("memory_bytes = 1000", "memory_bytes = 0", 7, "`memory_bytes`", "a whole number"),
        ("bytes = 3", "bytes = -3", 10, "`files[0].bytes`", "leave the field out"),
        ('sha256 = "00', 'sha256 = "zz', 11, "`files[0].sha256`", "64 hexadecimal digits"),
        ('name = "model.bin"', "", 8, "`files[0].name` is missing", "add `name`"),
        ('name = "model.bin"', 'nam = "m"\nname = "m"', 9, "`files[0].nam`", "write `name`"),
        ('name = "model.bin"', 'name = "../m"', 9, "`files[0].name`", "without .."),
        ('name = "model.bin"', 'name = "a/../m"', 9, "`files[0].name`", "without .."),
        ('name = "model.bin"', 'name = "/etc/m"', 9, "`files[0].name`", "relative path"),
        ('name = "model.bin"', "name = 'a\\b'", 9, "`files[0].name`", "relative path"),
        ('name = "model.bin"', 'name = "c:/m"', 9, "`files[0].name`", "relative path"),
        ('name = "model.bin"', 'name = "m\\n"', 9, "`files[0].name`", "relative path"),
        ('name = "model.bin"', 'name = "a/"', 9, "`files[0].name`", "relative path"),
        ("value = 0.5", 'value = "half"', 16, "`quality.value`", "correct the field"),
        ('task = "transcribe"', 'task = "dance"', 3, "`task`", "one of vad, transcribe"),
        ('id = "tiny"', 'id = "other"', 2, "`id` is other", "name the file other.toml"),
        ('id = "tiny"', "id = ", 2, "TOML", "correct that line"),
        ("[[files]]", "[[files]", 8, "TOML", "correct that line"),
        ('id = "tiny"', 'id = "tiny"\nid = "tiny"', 3, "TOML", "correct that line"),
    ],
)
def test_a_wrong_manifest_is_refused_with_file_line_field_and_fix(
    tmp_path: Path, old: str, new: str, line: int, field: str, fix: str
) -> None:
    path = written(tmp_path, GOOD.replace(old, new, 1))

    with pytest.raises(ConfigError) as caught:
        manifests.read(path)

    assert caught.value.message.startswith(f"tiny.toml, line {line}: ")
    assert field in caught.value.message
    assert fix in caught.value.fix


@pytest.mark.parametrize(
    ("sources", "line", "field"),
    [
        ('sources = [\n  { kind = "https", url = "ftp://a/b" },\n]', 15, "sources[0].url"),
        ('sources = [{ kind = "https", url = "https://a/b", sha = "" }]', 14, "sources[0].sha"),
        ('sources = [{ kind = "gopher", url = "https://a/b" }]', 14, "sources[0].kind"),
        ('sources = [{ url = "https://a/b" }]', 14, "sources[0].kind"),
        ('[[files.sources]]\nkind = "dir"\npath = ""', 16, "sources[0].path"),
        ('[[files.sources]]\nkind = "file"\npath = "a"\n[[files.sources]]\nkind = "dir"',
         17, "sources[1].path"),
        ('[files.build]\nbuilder = "magic"\ningredients = []', 15, "build.builder"),
        ('[files.build]\nbuilder = "quantize"\ningredients = []', 16, "build.ingredients"),
    ],
)  # fmt: skip
def test_a_wrong_source_or_builder_is_found_in_its_table(
    tmp_path: Path, sources: str, line: int, field: str
) -> None:
    text = GOOD.replace('member = "tiny/model.bin"\n', f'member = "tiny/model.bin"\n{sources}\n')

    with pytest.raises(ConfigError) as caught:
        manifests.read(written(tmp_path, text))

    assert f"line {line}: field `files[0].{field}`" in caught.value.message


def test_a_wrong_parameter_is_named(tmp_path: Path) -> None:
    text = f"{GOOD}[parameters]\ngood = 1\nbad = {{ a = 1 }}\n"

    with pytest.raises(ConfigError, match=r"line 20: field `parameters\.bad`"):
        manifests.read(written(tmp_path, text))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'id = "a"\nlicense = "\xff"\n', "line 2: is not UTF-8"),
        (b"a = " + b"[" * 5000, "line 1: is nested too deeply"),
        (b"#" * (manifests.MAX_BYTES + 1), "more than"),
        (b'id = "unclosed', "line 1: is not TOML"),
        (b"", "line 1: field `id` is missing"),
        (b'id = "tiny"\r\ntask = 3\r\n', "line 2: field `task`"),
    ],
)
def test_what_is_no_manifest_at_all_is_refused_too(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    path = tmp_path / "tiny.toml"
    path.write_bytes(content)

    with pytest.raises(ConfigError, match=complaint):
        manifests.read(path)


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


def test_our_own_manifests_are_good() -> None:
    found, problems = catalog.read_folders([catalog.shipped_folder()])

    assert problems == []
    assert lint(found) == []


HASH = "0" * 64


@pytest.mark.parametrize(
    ("facts", "known"),
    [
        ({"sha256": HASH}, True),
        ({}, False),
        ({"sources": [{"kind": "https", "url": "https://h/m"}]}, False),
        ({"sources": [{"kind": "archive", "url": "https://h/a", "member": "m"}]}, False),
        (
            {"sources": [{"kind": "archive", "url": "https://h/a", "member": "m", "sha256": HASH}]},
            True,
        ),
        (
            {
                "sources": [
                    {"kind": "pypi", "wheel": "a-1-py3-none-any.whl", "member": "m", "sha256": HASH}
                ]
            },
            True,
        ),
    ],
)
def test_a_file_is_pinned_by_its_hash_or_by_that_of_what_holds_it(
    facts: dict[str, object], known: bool
) -> None:
    found = msgspec.convert({"name": "m"} | facts, ManifestFile)

    assert found.pinned is known


def test_the_size_counts_an_archive_once_where_its_members_state_none(tmp_path: Path) -> None:
    held = 'sources = [{ kind = "archive", url = "https://h/a", member = "m", bytes = 10 }]\n'
    more = "".join(f'[[files]]\nname = "{name}"\n{held}' for name in ("a", "b"))
    path = written(tmp_path, GOOD.replace("[quality]", f"{more}[quality]"))

    assert manifests.read(path).size_bytes == 13
