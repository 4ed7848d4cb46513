"""The catalog reads what changed, and a broken edit costs nothing."""

import os
from pathlib import Path

import pytest

from edged.models.catalog import Catalog, read_folders, shipped_folder

MANIFEST = """
id = "{name}"
task = "infer"
engine = "onnx"
description = "{about}"
license = "MIT"
memory_bytes = 1000
"""


def put(folder: Path, name: str, about: str = "good", more: str = "") -> Path:
    """A manifest, written at a time of its own even where the clock is coarse."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.toml"
    age_ns = path.stat().st_mtime_ns + 1_000_000 if path.exists() else None
    path.write_text(MANIFEST.format(name=name, about=about) + more)
    if age_ns is not None:
        os.utime(path, ns=(age_ns, age_ns))
    return path


def told(catalog: Catalog) -> dict[str, str]:
    manifests, _ = catalog.read()
    return {one.id: one.description for one in manifests}


def test_a_broken_edit_keeps_what_was_there_and_says_where_and_what_to_do(tmp_path: Path) -> None:
    put(tmp_path, "a", "first")
    catalog = Catalog([tmp_path])
    catalog.read()
    put(tmp_path, "a", "second", more="wrong = 1\n")

    manifests, problems = catalog.read()

    assert [one.description for one in manifests] == ["first"]
    (problem,) = problems
    assert problem.startswith("a.toml, line 8: field `wrong` is unknown; remove `wrong`")
    assert "until then it counts as it was before" in problem


def test_a_mended_manifest_counts_and_a_removed_one_is_gone(tmp_path: Path) -> None:
    path = put(tmp_path, "a", "first")
    catalog = Catalog([tmp_path])
    catalog.read()
    put(tmp_path, "a", more="wrong = 1\n")
    catalog.read()
    put(tmp_path, "a", "third")

    mended = catalog.read()
    path.unlink()
    gone = catalog.read()

    assert ([one.description for one in mended[0]], mended[1]) == (["third"], [])
    assert gone == ([], [])


def test_one_that_was_never_good_is_only_a_problem(tmp_path: Path) -> None:
    put(tmp_path, "a", more="wrong = 1\n")

    manifests, (problem,) = Catalog([tmp_path]).read()

    assert manifests == []
    assert "as it was before" not in problem


def test_a_broken_replacement_of_ours_that_was_good_stays_the_users(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    put(ours, "a", "ours")
    put(theirs, "a", "theirs")
    catalog = Catalog([ours, theirs])
    catalog.read()
    path = put(theirs, "a", more="wrong = 1\n")

    assert told(catalog) == {"a": "theirs"}
    path.unlink()
    assert told(catalog) == {"a": "ours"}


def test_only_what_changed_is_read_again(tmp_path: Path) -> None:
    put(tmp_path, "a")
    put(tmp_path, "b")
    catalog = Catalog([tmp_path])
    (a, b), _ = catalog.read()
    put(tmp_path, "b", "other")

    (a_again, b_again), _ = catalog.read()

    assert a_again is a
    assert b_again is not b


def test_a_change_is_seen_and_nothing_else_is_one(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    catalog = Catalog([folder])
    catalog.read()
    seen = [catalog.changed()]
    put(folder, "a")
    seen.append(catalog.changed())
    catalog.read()
    seen.append(catalog.changed())
    put(folder, "a", "other")
    seen.append(catalog.changed())
    catalog.read()
    (folder / "a.toml").unlink()
    seen.append(catalog.changed())
    catalog.read()
    (folder / "notes.txt").write_text("x")
    (folder / ".a.toml.swp").write_text("x")
    (folder / ".b.toml").write_text("x")
    (folder / "nowhere.toml").symlink_to(tmp_path / "nothing")
    seen.append(catalog.changed())

    assert seen == [False, True, False, True, True, False]


def test_a_folder_that_cannot_be_read_is_a_problem_and_the_others_count(tmp_path: Path) -> None:
    good = tmp_path / "good"
    put(good, "a")
    wrong = tmp_path / "wrong"
    wrong.write_text("no folder")

    manifests, (problem,) = read_folders([good, wrong, tmp_path / "missing"])

    assert [one.id for one in manifests] == ["a"]
    assert problem == "a folder of manifests cannot be read: Not a directory; put that right"


@pytest.mark.parametrize("content", [b"\xff\xfe", b"id = ", b"", b"\x00" * 100, b"[" * 3000])
def test_rubbish_is_told_and_hurts_nobody_else(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, "a")
    (tmp_path / "b.toml").write_bytes(content)

    manifests, problems = Catalog([tmp_path]).read()

    assert [one.id for one in manifests] == ["a"]
    assert len(problems) == 1
    assert problems[0].startswith("b.toml")


def test_a_folder_named_like_a_manifest_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.toml").mkdir()

    manifests, (problem,) = Catalog([tmp_path]).read()

    assert manifests == []
    assert "a.toml cannot be read" in problem


def test_our_own_folder_is_beside_the_package_or_in_it() -> None:
    assert (Path(shipped_folder()) / "silero-v6.toml").is_file()
