"""A pack is the same for the same models, and nothing is believed of one that is read."""

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edged.errors import CorruptModel, EdgedError, VersionSkew
from edged.models.pull import pack

MANIFEST = b'id = "tiny"\n'
WEIGHTS = bytes(range(256)) * 5000


def _ignore(_done: int, _total: int) -> None:
    """Nobody looks."""


@pytest.fixture
def packing(tmp_path: Path) -> pack.Packing:
    """Two models' worth of files, two of them the same."""
    files = {
        "weights.onnx": WEIGHTS,
        "labels.txt": b"cat\ndog\n",
        "again/labels.txt": b"cat\ndog\n",
    }
    places = {}
    for number, (name, content) in enumerate(files.items()):
        places[name] = tmp_path / str(number)
        places[name].write_bytes(content)
    return pack.Packing(id="tiny", manifest=MANIFEST, files=places)


def packed(*models: pack.Packing) -> bytes:
    out = io.BytesIO()
    pack.write(out, models, _ignore)
    return out.getvalue()


def read(content: bytes) -> dict[str, bytes]:
    """All that a pack holds: manifests by model, blobs by hash."""
    reader = pack.Reader(io.BytesIO(content))
    found = reader.manifests()
    found |= {sha256: b"".join(blocks) for sha256, blocks in reader.blobs()}
    return found


def test_what_is_packed_comes_out_again(packing: pack.Packing) -> None:
    found = read(packed(packing))

    assert found == {
        "tiny": MANIFEST,
        hashlib.sha256(WEIGHTS).hexdigest(): WEIGHTS,
        hashlib.sha256(b"cat\ndog\n").hexdigest(): b"cat\ndog\n",
    }


def test_the_same_models_give_the_same_bytes_in_any_order(packing: pack.Packing) -> None:
    other = pack.Packing(id="another", manifest=MANIFEST, files={})

    assert packed(packing, other) == packed(other, packing)


def test_a_pack_is_a_tar_that_any_tool_lists(packing: pack.Packing) -> None:
    with tarfile.open(fileobj=io.BytesIO(packed(packing))) as tar:
        names = tar.getnames()
        times = {entry.mtime for entry in tar}

    assert names[:2] == ["index.json", "manifests/tiny.toml"]
    assert all(name.startswith("blobs/sha256-") for name in names[2:])
    assert len(names) == 4
    assert times == {0}


def test_a_file_that_changes_while_it_is_packed_is_found(packing: pack.Packing) -> None:
    def change(_done: int, _total: int) -> None:
        packing.files["weights.onnx"].write_bytes(WEIGHTS[::-1])
        packing.files["labels.txt"].write_bytes(b"dog\ncat\n")

    with pytest.raises(CorruptModel, match="is not what its hash says"):
        pack.write(io.BytesIO(), [packing], change)


def test_progress_ends_at_the_whole_size(packing: pack.Packing) -> None:
    told: list[tuple[int, int]] = []

    index = pack.write(io.BytesIO(), [packing], lambda done, total: told.append((done, total)))

    assert told[-1] == (index.size_bytes, index.size_bytes) == (len(WEIGHTS) + 8,) * 2


def test_every_cut_and_every_flipped_bit_is_found(packing: pack.Packing) -> None:
    whole = packed(packing)
    cuts = [0, 100, 512, 1024, 3000, len(whole) // 2, len(whole) - 1024, len(whole) - 1]
    for cut in cuts:
        with pytest.raises(CorruptModel):
            read(whole[:cut])

    # Padding, and the header's fields that nobody reads, mean nothing: a flip there does no harm.
    expected = read(whole)
    for place in range(0, len(whole), 4999):
        flipped = bytearray(whole)
        flipped[place] ^= 4
        try:
            assert read(bytes(flipped)) == expected
        except EdgedError:
            continue


def test_bytes_after_the_end_are_refused(packing: pack.Packing) -> None:
    with pytest.raises(CorruptModel, match="goes on after its end"):
        read(packed(packing) + b"more")


def _forged(change: Callable[[dict[str, Any]], object], packing: pack.Packing) -> bytes:
    """A pack whose index says something else; its sizes and checksums are right."""
    whole = packed(packing)
    size = tarfile.TarInfo.frombuf(whole[:512], "utf-8", "strict").size
    index = msgspec.json.decode(whole[512 : 512 + size])
    change(index)
    text = msgspec.json.encode(index)
    return _entry("index.json", text) + whole[512 + size + (-size % 512) :]


def _entry(name: str, content: bytes, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.type, entry.linkname = len(content), kind, link
    return entry.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512)


def _set(field: str, value: object) -> Callable[[dict[str, Any]], object]:
    return lambda index: index["models"][0].update({field: value})


def _set_file(field: str, value: object) -> Callable[[dict[str, Any]], object]:
    return lambda index: index["models"][0]["files"][1].update({field: value})


HOSTILE = {
    "an id that leads out": _set("id", "../../x"),
    "a file that leads out": _set_file("name", "../../bin/sh"),
    "an absolute file": _set_file("name", "/etc/passwd"),
    "a file twice": _set_file("name", "again/labels.txt"),
    "a hash that is a path": _set_file("sha256", "../" * 10),
    "a negative size": _set_file("bytes", -1),
    "a huge size": _set_file("bytes", 2**60),
    "another size": _set_file("bytes", 7),
    "an unknown field": _set("run", "rm -rf /"),
    "no models": lambda index: index.update(models=[]),
    "a model twice": lambda index: index.update(models=index["models"] * 2),
    "a manifest that is another": _set("manifest_sha256", "0" * 64),
    "a huge manifest": _set("manifest_bytes", 2**40),
    "a blob that is another": _set_file("sha256", "0" * 64),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_an_index_that_lies_is_refused(packing: pack.Packing, what: str) -> None:
    with pytest.raises(CorruptModel, match="the pack|is not what its hash says"):
        read(_forged(HOSTILE[what], packing))


def test_another_version_is_refused_as_such(packing: pack.Packing) -> None:
    forged = _forged(lambda index: index.update(version=2, more="unknown"), packing)

    with pytest.raises(VersionSkew, match="version 2"):
        read(forged)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (tarfile.SYMTYPE, "index.json"),
        (tarfile.LNKTYPE, "index.json"),
        (tarfile.DIRTYPE, "index.json"),
        (tarfile.XHDTYPE, "index.json"),
        (tarfile.GNUTYPE_LONGNAME, "././@LongLink"),
        (tarfile.REGTYPE, "../index.json"),
        (tarfile.REGTYPE, "/index.json"),
    ],
)
def test_other_kinds_of_entries_are_refused(kind: bytes, name: str) -> None:
    with pytest.raises(CorruptModel):
        read(_entry(name, b"{}", kind, link="/etc/passwd"))


def test_a_link_in_place_of_a_blob_is_refused(packing: pack.Packing) -> None:
    whole = packed(packing)
    blob = f"blobs/sha256-{hashlib.sha256(WEIGHTS).hexdigest()}"
    start = whole.index(blob.encode(), 1500)  # behind the index, which has no such names
    link = _entry(blob, b"", tarfile.SYMTYPE, link="/etc/passwd")

    with pytest.raises(CorruptModel, match="plain files"):
        read(whole[:start] + link + whole[start + 512 :])


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04" + bytes(2000), bytes(5000), b"\xff" * 600])
def test_what_is_no_pack_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(CorruptModel):
        read(content)
