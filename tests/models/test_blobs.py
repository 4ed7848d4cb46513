"""Content lies once under its hash, models link to it, and what nobody uses can go."""

import errno
import fcntl
import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edged.errors import BadRequest, ModelMissing
from edged.models.blobs import Blobs, hash_file, is_inside

CONTENT = b"the weights" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def blobs(models: Path) -> Blobs:
    return Blobs(models)


def adopted(blobs: Blobs, models: Path, content: bytes = CONTENT) -> str:
    models.mkdir(exist_ok=True)
    (models / "new").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    blobs.adopt(models / "new", sha256)
    return sha256


def test_a_file_is_moved_in_read_only_under_its_hash(blobs: Blobs, models: Path) -> None:
    sha256 = adopted(blobs, models)

    path = blobs.path(sha256)
    assert path.name == f"sha256-{SHA256}"
    assert path.read_bytes() == CONTENT
    assert path.stat().st_mode & 0o777 == 0o444
    assert not (models / "new").exists()
    assert blobs.hashes() == [SHA256]
    assert blobs.has(SHA256)


def test_two_models_share_one_content(blobs: Blobs, models: Path) -> None:
    adopted(blobs, models)

    one = blobs.link("one", "model.bin", SHA256)
    two = blobs.link("two", "deep/model.bin", SHA256)

    assert one.samefile(two)
    assert blobs.users(SHA256) == ["one/model.bin", "two/deep/model.bin"]


def test_a_link_twice_leaves_one_file(blobs: Blobs, models: Path) -> None:
    """Rename between two links to one file does nothing and would leave both."""
    adopted(blobs, models)

    for _ in range(2):
        blobs.link("one", "model.bin", SHA256)

    assert os.listdir(models / "one") == ["model.bin"]
    assert blobs.path(SHA256).stat().st_nlink == 2


def test_a_link_replaces_what_is_there(blobs: Blobs, models: Path) -> None:
    adopted(blobs, models)
    (models / "one").mkdir()
    (models / "one" / "model.bin").write_bytes(b"old")

    assert blobs.link("one", "model.bin", SHA256).read_bytes() == CONTENT


def test_without_hard_links_the_content_is_copied(
    blobs: Blobs, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adopted(blobs, models)

    def refuse(*_arguments: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    path = blobs.link("one", "model.bin", SHA256)

    assert path.read_bytes() == CONTENT
    assert path.stat().st_mode & 0o777 == 0o444
    assert os.listdir(models / "one") == ["model.bin"]


def test_removing_a_model_keeps_what_another_uses(blobs: Blobs, models: Path) -> None:
    adopted(blobs, models)
    own = adopted(blobs, models, b"its own")
    for model, sha256 in (("one", SHA256), ("two", SHA256), ("one", own)):
        blobs.link(model, sha256[:8], sha256)

    assert blobs.remove("one") == len(b"its own")
    assert blobs.hashes() == [SHA256]

    assert blobs.remove("two") == len(CONTENT)
    assert blobs.hashes() == []
    assert blobs.remove("two") == 0


def test_prune_takes_what_nobody_uses(blobs: Blobs, models: Path) -> None:
    adopted(blobs, models)
    blobs.link("one", "model.bin", SHA256)
    adopted(blobs, models, b"unused")
    for folder in ("partial", "wheels"):
        (models / folder).mkdir()
        (models / folder / "left").write_bytes(b"123")

    assert blobs.prune() == len(b"unused") + 6

    assert blobs.hashes() == [SHA256]
    assert (models / "one" / "model.bin").read_bytes() == CONTENT
    assert not os.listdir(models / "partial")


def test_prune_takes_what_a_killed_process_left_half_linked(blobs: Blobs, models: Path) -> None:
    adopted(blobs, models)
    (models / "one").mkdir()
    os.link(blobs.path(SHA256), models / "one" / ".model.bin.linking")

    assert blobs.prune() == len(CONTENT)

    assert not os.listdir(models / "one")


def test_prune_leaves_a_download_that_goes_on(blobs: Blobs, models: Path) -> None:
    (models / "partial").mkdir(parents=True)
    with (models / "partial" / "going.part").open("wb") as going:
        fcntl.flock(going, fcntl.LOCK_EX)

        blobs.prune()

        assert os.listdir(models / "partial") == ["going.part"]


def test_a_changed_byte_is_found(blobs: Blobs, models: Path) -> None:
    adopted(blobs, models)
    assert blobs.verify(SHA256)

    path = blobs.path(SHA256)
    path.chmod(0o644)
    path.write_bytes(CONTENT[:-1] + b"x")

    assert not blobs.verify(SHA256)
    with pytest.raises(ModelMissing):
        blobs.verify("0" * 64)


@pytest.mark.parametrize("name", ["../x", "/x", "a/../x", "", "a//b", "a\\b", "c:x", "./x", "a\0b"])
def test_a_name_that_leads_out_is_refused(blobs: Blobs, models: Path, name: str) -> None:
    adopted(blobs, models)

    with pytest.raises(BadRequest):
        blobs.link("one", name, SHA256)
    assert not is_inside(name)


@pytest.mark.parametrize("model", ["blobs", "partial", "wheels", "..", "../x", "", "models.lock"])
def test_a_folder_of_the_store_is_no_model(blobs: Blobs, models: Path, model: str) -> None:
    adopted(blobs, models)

    with pytest.raises(BadRequest):
        blobs.remove(model)
    with pytest.raises(BadRequest):
        blobs.link(model, "x", SHA256)
    assert blobs.hashes() == [SHA256]


@pytest.mark.parametrize("sha256", ["", "../../x", "G" * 64, SHA256.upper(), SHA256 + "\n"])
def test_what_is_no_hash_is_refused(blobs: Blobs, sha256: str) -> None:
    with pytest.raises(BadRequest):
        blobs.path(sha256)


CHILD = """
import hashlib, os, pathlib, sys
from edged.models.blobs import Blobs
models = pathlib.Path(sys.argv[1])
content = b"0123456789" * 20_000
sha256 = hashlib.sha256(content).hexdigest()
blobs = Blobs(models)
print("ready", flush=True)
while True:
    (models / "part").write_bytes(content)
    blobs.adopt(models / "part", sha256)
    blobs.link("one", "model.bin", sha256)
    print("x", end="", flush=True)
    blobs.remove("one")
"""


@pytest.mark.parametrize("after", [1, 3, 7])
def test_a_kill_leaves_a_whole_file_or_none(models: Path, after: int) -> None:
    models.mkdir()
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(models)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    child.stdout.read(after)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()

    blobs = Blobs(models)
    for sha256 in blobs.hashes():
        assert blobs.verify(sha256)
    for path in models.glob("one/model.bin"):
        assert hash_file(path) == hashlib.sha256(b"0123456789" * 20_000).hexdigest()
    blobs.remove("one")  # nobody holds the lock of the dead
    assert blobs.hashes() == []
