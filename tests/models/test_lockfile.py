"""What came first is written down, and nothing else is believed afterwards."""

import threading
from pathlib import Path

import pytest

from edged.errors import CorruptModel
from edged.models.lockfile import LockFile

ONE, OTHER = "1" * 64, "2" * 64


@pytest.fixture
def lock(tmp_path: Path) -> LockFile:
    return LockFile(tmp_path / "models" / "models.lock")


def record(lock: LockFile, model: str = "tiny", sha256: str = ONE, name: str = "m.bin") -> None:
    lock.record(model, name, sha256=sha256, size_bytes=5, source="models.invalid")


def test_the_first_hash_is_kept(lock: LockFile) -> None:
    assert lock.get("tiny", "m.bin") is None

    record(lock)

    entry = lock.get("tiny", "m.bin")
    assert entry is not None
    assert (entry.sha256, entry.bytes, entry.source) == (ONE, 5, "models.invalid")
    assert entry.first_seen.endswith("+00:00")


def test_another_hash_is_refused_and_the_same_one_changes_nothing(
    lock: LockFile, tmp_path: Path
) -> None:
    record(lock)
    before = (tmp_path / "models" / "models.lock").read_bytes()

    record(lock)
    with pytest.raises(CorruptModel, match="upstream replaced"):
        record(lock, sha256=OTHER)

    assert (tmp_path / "models" / "models.lock").read_bytes() == before


def test_a_model_is_forgotten_alone(lock: LockFile) -> None:
    for model in ("tiny", "tiny2"):
        record(lock, model)

    assert lock.forget("tiny") == 1
    assert lock.forget("tiny") == 0

    assert lock.get("tiny", "m.bin") is None
    assert lock.get("tiny2", "m.bin") is not None


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"version": 2}', b'{"version": 1, "files": {"a/b": {"sha256": "x"}}}'],
)
def test_a_lock_that_cannot_be_understood_vouches_for_nothing(
    lock: LockFile, tmp_path: Path, content: bytes
) -> None:
    """Taking it for empty would trust every file anew."""
    path = tmp_path / "models" / "models.lock"
    path.parent.mkdir()
    path.write_bytes(content)

    with pytest.raises(CorruptModel):
        lock.get("tiny", "m.bin")
    with pytest.raises(CorruptModel):
        record(lock)
    assert path.read_bytes() == content


def test_many_at_once_lose_nothing(lock: LockFile) -> None:
    threads = [
        threading.Thread(target=record, args=(lock, "tiny", ONE, f"{number}.bin"))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(lock.get("tiny", f"{number}.bin") for number in range(20))
