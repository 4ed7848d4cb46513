"""Files are found on a stick by name, size and hash, and links do not lead out of it."""

import hashlib
from pathlib import Path

import pytest

from edged.errors import CorruptModel, SourceDown
from edged.models.pull import local
from edged.models.pull.wanted import Wanted

CONTENT = b"the weights" * 100
OTHER = CONTENT[::-1]


def wanted(content: bytes = CONTENT, *, stated: bool = True) -> Wanted:
    return Wanted(
        model="tiny",
        names=("model.bin", "Tiny-Model.bin"),
        sizes=frozenset({len(content)} if stated else ()),
        hashes=frozenset({hashlib.sha256(content).hexdigest()} if stated else ()),
    )


def put(path: Path, content: bytes = CONTENT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_file_is_found_by_its_hash_under_any_name(tmp_path: Path) -> None:
    put(tmp_path / "model.bin", OTHER)
    right = put(tmp_path / "deep" / "down" / "renamed.dat")

    assert local.search(tmp_path, wanted()) == right.resolve()


@pytest.mark.parametrize("name", ["model.bin", "Tiny-Model.bin"])
def test_without_a_hash_the_name_has_to_be_right(tmp_path: Path, name: str) -> None:
    put(tmp_path / "other.bin")
    assert local.search(tmp_path, wanted(stated=False)) is None

    right = put(tmp_path / "sub" / name)
    assert local.search(tmp_path, wanted(stated=False)) == right.resolve()


def test_links_that_lead_out_are_not_followed(tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    put(tmp_path / "outside" / "model.bin")
    (stick / "model.bin").symlink_to(tmp_path / "outside" / "model.bin")
    (stick / "folder").symlink_to(tmp_path / "outside")

    assert local.search(stick, wanted()) is None


def test_links_inside_are_followed(tmp_path: Path) -> None:
    put(tmp_path / "blobs" / "1234")
    (tmp_path / "model.bin").symlink_to("blobs/1234")
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / "circle").symlink_to("circle")

    found = local.search(tmp_path, wanted(stated=False))

    assert found is not None
    assert found.read_bytes() == CONTENT


def test_the_search_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "MOST_DEPTH", 2)
    monkeypatch.setattr(local, "MOST_ENTRIES", 3)
    put(tmp_path / "1" / "2" / "3" / "model.bin")
    assert local.search(tmp_path, wanted()) is None

    for name in "abc":
        put(tmp_path / name, b"")
    put(tmp_path / "d")
    assert local.search(tmp_path, wanted()) is None


def test_a_file_is_copied_and_compared(tmp_path: Path) -> None:
    path = put(tmp_path / "a")
    put(tmp_path / "part", b"left from an earlier run")

    fetched = local.fetch(path, wanted(), tmp_path / "part", lambda *_: None)

    assert (tmp_path / "part").read_bytes() == CONTENT
    assert fetched.bytes == len(CONTENT)


@pytest.mark.parametrize("content", [OTHER, CONTENT[1:]])
def test_a_file_that_differs_is_refused_and_not_kept(tmp_path: Path, content: bytes) -> None:
    path = put(tmp_path / "a", content)

    with pytest.raises(CorruptModel):
        local.fetch(path, wanted(), tmp_path / "part", lambda *_: None)

    assert not (tmp_path / "part").exists() or not (tmp_path / "part").stat().st_size


def test_a_path_that_leads_out_or_nowhere_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "a")
    (tmp_path / "in").mkdir()

    for path in (tmp_path / "in" / ".." / "a", tmp_path / "in" / "none", tmp_path / "in"):
        with pytest.raises(SourceDown):
            within = tmp_path / "in"
            local.fetch(path, wanted(), tmp_path / "part", lambda *_: None, within=within)
