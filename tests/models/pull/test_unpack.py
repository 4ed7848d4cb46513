"""Importing changes nothing unless every byte is right, and binds the machine to what came."""

import hashlib
import io
from pathlib import Path

import pytest

from edged.config import Paths
from edged.errors import Conflict, CorruptModel, DiskFull, EdgedError
from edged.models.blobs import Blobs
from edged.models.catalog import read_folders
from edged.models.lockfile import LockFile
from edged.models.manifest import Manifest
from edged.models.pull import pack, unpack

WEIGHTS = b"weights" * 1000
HASH = hashlib.sha256(WEIGHTS).hexdigest()


def manifest_of(*, sha256: str = HASH, more: str = "") -> bytes:
    return f"""
id = "tiny"
task = "infer"
engine = "onnx"
description = "Tiny."
license = "MIT"
memory_bytes = 1000000

[[files]]
name = "weights.onnx"
sha256 = "{sha256}"
{more}
""".encode()


def packed(folder: Path, manifest: bytes, content: bytes = WEIGHTS) -> bytes:
    (folder / "weights").write_bytes(content)
    files = {"weights.onnx": folder / "weights"}
    out = io.BytesIO()
    pack.write(out, [pack.Packing(id="tiny", manifest=manifest, files=files)], _ignore)
    return out.getvalue()


def _ignore(_done: int, _total: int) -> None:
    """Nobody looks."""


def known(paths: Paths) -> dict[str, Manifest]:
    return {one.id: one for one in read_folders([paths.manifests])[0]}


def take(content: bytes, paths: Paths, *, force: bool = False) -> unpack.Unpacked:
    return unpack.unpack(io.BytesIO(content), paths, known(paths), _ignore, force=force)


def everything(paths: Paths) -> set[str]:
    """All files below the models and manifests folders."""
    places = (paths.models, paths.manifests)
    return {str(path) for place in places for path in place.rglob("*") if path.is_file()}


def test_a_pack_brings_files_and_the_users_own_manifest(paths: Paths, tmp_path: Path) -> None:
    brought = take(packed(tmp_path, manifest_of()), paths)

    assert (paths.models / "tiny" / "weights.onnx").read_bytes() == WEIGHTS
    assert (paths.models / "tiny" / "weights.onnx").stat().st_nlink == 2
    assert (paths.manifests / "tiny.toml").read_bytes() == manifest_of()
    assert brought == unpack.Unpacked(
        models=("tiny",), manifests=("tiny",), size_bytes=len(WEIGHTS)
    )


def test_importing_twice_keeps_the_blob_that_others_are_linked_to(
    paths: Paths, tmp_path: Path
) -> None:
    content = packed(tmp_path, manifest_of())
    take(content, paths)
    before = Blobs(paths.models).path(HASH).stat().st_ino

    assert take(content, paths).manifests == ()
    assert Blobs(paths.models).path(HASH).stat().st_ino == before


def test_a_damaged_blob_here_is_replaced(paths: Paths, tmp_path: Path) -> None:
    take(packed(tmp_path, manifest_of()), paths)
    blob = Blobs(paths.models).path(HASH)
    blob.chmod(0o600)
    blob.write_bytes(b"damaged")

    take(packed(tmp_path, manifest_of()), paths)

    assert (paths.models / "tiny" / "weights.onnx").read_bytes() == WEIGHTS


def test_a_hash_that_nobody_states_is_recorded_and_held_to(paths: Paths, tmp_path: Path) -> None:
    take(packed(tmp_path, manifest_of(sha256="")), paths)
    entry = LockFile(paths.models / "models.lock").get("tiny", "weights.onnx")
    before = everything(paths)

    with pytest.raises(CorruptModel, match="has not the sha256 that holds here"):
        take(packed(tmp_path, manifest_of(sha256=""), b"others"), paths)
    assert entry is not None
    assert entry.sha256 == HASH
    assert everything(paths) == before


def test_a_manifest_that_differs_is_not_replaced_unless_asked(paths: Paths, tmp_path: Path) -> None:
    take(packed(tmp_path, manifest_of()), paths)
    other = packed(tmp_path, manifest_of(sha256=hashlib.sha256(b"other").hexdigest()), b"other")

    with pytest.raises(Conflict, match="another manifest of tiny"):
        take(other, paths)
    assert take(other, paths, force=True).manifests == ("tiny",)
    assert (paths.models / "tiny" / "weights.onnx").read_bytes() == b"other"


def test_another_wording_of_a_manifest_with_the_same_hashes_is_no_conflict(
    paths: Paths, tmp_path: Path
) -> None:
    take(packed(tmp_path, manifest_of()), paths)

    brought = take(packed(tmp_path, manifest_of(more="bytes = 7000")), paths)

    assert brought.manifests == ()
    assert (paths.manifests / "tiny.toml").read_bytes() == manifest_of()


@pytest.mark.parametrize(
    "manifest",
    [
        manifest_of(more='path = "/etc/passwd"'),
        manifest_of(sha256="0" * 64),
        manifest_of().replace(b"weights.onnx", b"other.onnx"),
        manifest_of().replace(b'id = "tiny"', b'id = "huge"'),
        manifest_of(more="run = true"),
        b"\xff not TOML",
    ],
)
def test_a_manifest_that_is_not_sound_changes_nothing(
    paths: Paths, tmp_path: Path, manifest: bytes
) -> None:
    with pytest.raises(EdgedError):
        take(packed(tmp_path, manifest), paths)
    assert everything(paths) == set()


@pytest.mark.parametrize("place", [100, -7000, -1])
def test_a_damaged_pack_changes_nothing(paths: Paths, tmp_path: Path, place: int) -> None:
    content = bytearray(packed(tmp_path, manifest_of()))
    content[place] ^= 1

    with pytest.raises(CorruptModel):
        take(bytes(content), paths)
    assert everything(paths) == set()


def test_a_disk_without_room_is_said_before_anything_is_written(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = packed(tmp_path, manifest_of())
    monkeypatch.setattr("shutil.disk_usage", lambda _: _Usage())

    with pytest.raises(DiskFull, match="no room"):
        take(content, paths)
    assert everything(paths) == set()


class _Usage:
    free = 10


def test_an_import_that_is_stopped_leaves_nothing(paths: Paths, tmp_path: Path) -> None:
    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack.unpack(io.BytesIO(packed(tmp_path, manifest_of())), paths, {}, stop)
    assert everything(paths) == set()
