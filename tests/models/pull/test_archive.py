"""Members come out of archives by name, as files and nothing else, and never without end."""

import bz2
import hashlib
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edged.errors import CorruptModel, Unsupported
from edged.models.pull import archive
from edged.models.pull.wanted import Wanted

CONTENT = bytes(range(256)) * 2000
ANY = Wanted(model="tiny", names=("model.bin",))


def tarred(path: Path, *entries: tarfile.TarInfo | str, mode: str = "w") -> Path:
    """A tar of plain files with CONTENT, by their names, and of stranger entries."""
    with tarfile.open(path, mode) as opened:  # type: ignore[call-overload]
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                opened.addfile(entry)
                continue
            plain = tarfile.TarInfo(entry)
            plain.size = len(CONTENT)
            opened.addfile(plain, io.BytesIO(CONTENT))
    return path


def strange(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


def exact(content: bytes = CONTENT) -> Wanted:
    return Wanted(
        model="tiny",
        names=("model.bin",),
        sizes=frozenset({len(content)}),
        hashes=frozenset({hashlib.sha256(content).hexdigest()}),
    )


@pytest.mark.parametrize("packing", ["", ":gz", ":bz2", ":xz"])
@pytest.mark.parametrize("prefix", ["", "./"])
def test_a_member_of_a_tar_is_taken_by_name(tmp_path: Path, packing: str, prefix: str) -> None:
    folder = strange(f"{prefix}model", tarfile.DIRTYPE)
    names = (f"{prefix}model/other.bin", folder, f"{prefix}model/model.bin", f"{prefix}last")
    path = tarred(tmp_path / "a", *names, mode=f"w{packing}")

    fetched = archive.take(path, "model/model.bin", exact(), tmp_path / "out")

    assert (tmp_path / "out").read_bytes() == CONTENT
    assert fetched.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a", "out"]


def test_a_member_of_a_zip_is_taken_by_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a", "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("../model.bin", b"not this")
        opened.writestr("in/model.bin", CONTENT)

    fetched = archive.take(tmp_path / "a", "in/model.bin", exact(), tmp_path / "out")

    assert (tmp_path / "out").read_bytes() == CONTENT
    assert fetched.bytes == len(CONTENT)


@pytest.mark.parametrize("member", ["../model.bin", "/etc/passwd", "a/../../b", "a//b", "a\\b", ""])
def test_a_member_that_leads_out_is_refused(tmp_path: Path, member: str) -> None:
    path = tarred(tmp_path / "a", "model.bin", member or "x")

    with pytest.raises(CorruptModel, match="no plain name"):
        archive.take(path, member, ANY, tmp_path / "out")

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.DIRTYPE,
        tarfile.CONTTYPE,
    ],
)
def test_a_member_that_is_no_file_is_refused(tmp_path: Path, kind: bytes) -> None:
    path = tarred(tmp_path / "a", "first", strange("model.bin", kind, "first"))

    with pytest.raises(CorruptModel, match="not a file"):
        archive.take(path, "model.bin", ANY, tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_a_member_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tarred(tmp_path / "a", "other.bin")

    with pytest.raises(CorruptModel, match="not there"):
        archive.take(path, "model.bin", ANY, tmp_path / "out")


def test_a_member_of_another_size_is_refused_before_it_is_written(tmp_path: Path) -> None:
    path = tarred(tmp_path / "a", "model.bin")

    with pytest.raises(CorruptModel, match="upstream replaced"):
        archive.take(path, "model.bin", exact(CONTENT[1:]), tmp_path / "out")

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress])
def test_an_archive_that_grows_without_end_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr(archive, "SPARE_BYTES", 2**20)
    entry = tarfile.TarInfo("zeros.bin")
    entry.size = 2**25
    bomb = entry.tobuf() + bytes(2**25)
    (tmp_path / "a").write_bytes(pack(bomb))

    with pytest.raises(CorruptModel, match="damaged"):
        archive.take(tmp_path / "a", "model.bin", ANY, tmp_path / "out")


def test_a_head_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    """A pax head says how long its text is; tarfile would read all of it at once."""
    entry = tarfile.TarInfo("head")
    entry.type = tarfile.XHDTYPE
    entry.size = 2**31
    (tmp_path / "a").write_bytes(entry.tobuf() + bytes(2**20))

    with pytest.raises(CorruptModel):
        archive.take(tmp_path / "a", "model.bin", ANY, tmp_path / "out")


@pytest.mark.parametrize("packing", ["", ":gz", ":bz2", ":xz"])
def test_an_archive_that_is_cut_is_refused(tmp_path: Path, packing: str) -> None:
    path = tarred(tmp_path / "a", "model.bin", mode=f"w{packing}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(CorruptModel):
        archive.take(path, "model.bin", exact(), tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"PK", b"<html>not found</html>" * 100])
def test_something_else_is_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)

    with pytest.raises(CorruptModel):
        archive.take(tmp_path / "a", "model.bin", ANY, tmp_path / "out")


def test_zstandard_is_read_where_python_can_and_told_where_not(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\x28\xb5\x2f\xfdnonsense")

    with pytest.raises((Unsupported, CorruptModel)):
        archive.take(tmp_path / "a", "model.bin", ANY, tmp_path / "out")
