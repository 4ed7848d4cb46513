"""A model's file for somebody who wants a copy."""

import hashlib
import os
from pathlib import Path

import msgspec
import pytest

from edged.errors import CorruptModel, ModelMissing, NotFound
from edged.models.delivery import open_verified
from edged.models.files import ModelFiles
from edged.models.manifest import Manifest

DATA = os.urandom(300_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


def manifest(**facts: object) -> Manifest:
    file = {"name": "model.onnx", "bytes": len(DATA), "sha256": SHA256, **facts}
    tree = {
        "id": "a",
        "task": "infer",
        "engine": "onnx",
        "description": "",
        "license": "MIT",
        "memory_bytes": 1,
        "files": [file],
    }
    return msgspec.convert(tree, Manifest)


@pytest.fixture
def files(tmp_path: Path) -> ModelFiles:
    """A models folder in which the file lies."""
    folder = tmp_path / "models" / "a"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(DATA)
    return ModelFiles(tmp_path / "models", tmp_path / "cache")


def test_a_verified_file_is_read_in_parts(files: ModelFiles) -> None:
    opened = open_verified(files, manifest(), "model.onnx")

    assert opened.sha256 == SHA256
    assert opened.size_bytes == len(DATA)
    assert opened.read(0, 1000) == DATA[:1000]
    assert opened.read(len(DATA) - 5, 1000) == DATA[-5:]
    assert opened.read(len(DATA), 1000) == b""
    opened.close()


def test_it_stays_the_same_file_when_another_takes_its_place(
    files: ModelFiles, tmp_path: Path
) -> None:
    opened = open_verified(files, manifest(), "model.onnx")

    other = tmp_path / "other"
    other.write_bytes(bytes(len(DATA)))
    other.replace(tmp_path / "models" / "a" / "model.onnx")

    assert opened.read(0, len(DATA)) == DATA
    opened.close()


def test_of_several_known_contents_the_hash_of_the_one_that_is_here_is_told(
    files: ModelFiles,
) -> None:
    known = manifest(sha256="0" * 64, bytes=7, editions=[{"bytes": len(DATA), "sha256": SHA256}])

    opened = open_verified(files, known, "model.onnx")

    assert opened.sha256 == SHA256
    opened.close()


@pytest.mark.parametrize("name", ["", "other", "../a/model.onnx", "model.onnx\0", "/etc/passwd"])
def test_only_the_manifests_own_names_are_known(files: ModelFiles, name: str) -> None:
    with pytest.raises(NotFound, match="a has no such file"):
        open_verified(files, manifest(), name)


def test_a_tampered_file_is_not_given_away(files: ModelFiles, tmp_path: Path) -> None:
    (tmp_path / "models" / "a" / "model.onnx").write_bytes(DATA[:-1] + b"!")

    with pytest.raises(CorruptModel):
        open_verified(files, manifest(), "model.onnx")


def test_a_file_that_is_not_here_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing):
        open_verified(ModelFiles(tmp_path, tmp_path / "cache"), manifest(), "model.onnx")
