"""What an interrupted download left is used as far as it can be trusted."""

import hashlib
import os
from pathlib import Path

import pytest

from edged.errors import CorruptModel, DiskFull
from edged.models.pull import part
from edged.models.pull.part import Mark, Part
from edged.models.pull.wanted import Wanted

CONTENT = bytes(range(256)) * 100


def wanted(*, stated: bool = True) -> Wanted:
    hashes = {hashlib.sha256(CONTENT).hexdigest()} if stated else set()
    sizes = {len(CONTENT)} if stated else set()
    return Wanted(model="tiny", names=("m.bin",), sizes=frozenset(sizes), hashes=frozenset(hashes))


def test_a_file_with_a_stated_hash_is_taken_up_where_it_ends(tmp_path: Path) -> None:
    (tmp_path / "m.part").write_bytes(CONTENT[:999])

    with Part(tmp_path / "m.part", wanted()) as opened:
        assert opened.size == 999
        opened.append(CONTENT[999:])
        fetched = opened.finish()

    assert fetched.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert (tmp_path / "m.part").read_bytes() == CONTENT


def test_without_a_stated_hash_only_what_was_surely_written_is_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut the end of a file may be zeros, and nothing would ever tell."""
    monkeypatch.setattr(part, "_SAFE_BYTES", 1000)
    synced: list[int] = []
    true_sync = os.fsync

    def sync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_size)
        true_sync(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    with Part(tmp_path / "m.part", wanted(stated=False)) as opened:
        for start in range(0, 3500, 500):
            opened.append(CONTENT[start : start + 500])
    assert synced == [1000, 2000, 3000]

    with Part(tmp_path / "m.part", wanted(stated=False)) as opened:
        assert opened.size == 2000


def test_what_a_server_said_is_remembered_until_the_file_is_whole(tmp_path: Path) -> None:
    mark = Mark(source="s", etag='"x"')
    with Part(tmp_path / "m.part", wanted()) as opened:
        opened.remember(mark)

    with Part(tmp_path / "m.part", wanted()) as opened:
        assert opened.mark == mark
        opened.forget()

    with Part(tmp_path / "m.part", wanted()) as opened:
        assert opened.mark == Mark()


def test_notes_that_cannot_be_understood_are_forgotten(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_bytes(b"{")

    with Part(tmp_path / "m.part", wanted()) as opened:
        assert opened.mark == Mark()


def test_the_first_byte_too_many_is_refused(tmp_path: Path) -> None:
    with Part(tmp_path / "m.part", wanted()) as opened:
        opened.append(CONTENT)
        with pytest.raises(CorruptModel):
            opened.append(b"x")


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"precious")
    (tmp_path / "m.part").symlink_to(tmp_path / "target")

    with pytest.raises(DiskFull), Part(tmp_path / "m.part", wanted()):
        pass

    assert (tmp_path / "target").read_bytes() == b"precious"
