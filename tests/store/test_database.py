import asyncio
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from store_samples import KEY, fill

from edged import errors
from edged.messages.events import StoredEvent
from edged.store import Connection, Store, events, meta, opens, recordings, restore, segments

OTHER = bytes(reversed(range(32)))


@pytest.fixture
def told() -> list[StoredEvent]:
    """The events that `store` told after its commits."""
    return []


@pytest.fixture
def store(tmp_path: Path, told: list[StoredEvent]) -> Iterator[Store]:
    """A new store, closed after the test."""

    def tell(events: Sequence[StoredEvent]) -> None:
        told.extend(events)

    opened = Store.open(tmp_path / "edged.db", KEY, on_commit=tell)
    yield opened
    opened.close()


def test_a_transaction_that_fails_takes_no_other_along(store: Store) -> None:
    def good(db: Connection, name: str) -> str:
        meta.put(db, name, "kept")
        return name

    def bad(db: Connection) -> None:
        meta.put(db, "bad", "lost")
        raise errors.NotFound("on purpose")

    async def scenario() -> list[object]:
        return await asyncio.gather(
            *(store.write(lambda db, n=n: good(db, f"g{n}")) for n in range(20)),  # type: ignore[misc]  # the default binds this turn's number
            store.write(bad),
            store.write(lambda db: db.execute("INSERT INTO sessions(id) VALUES(1)")),
            return_exceptions=True,
        )

    found = asyncio.run(scenario())

    assert found[:20] == [f"g{n}" for n in range(20)]
    assert isinstance(found[20], errors.NotFound)
    assert isinstance(found[21], errors.Conflict)
    assert asyncio.run(store.read(lambda db: meta.get(db, "g19"))) == "kept"
    assert asyncio.run(store.read(lambda db: meta.get(db, "bad"))) is None


def test_waiting_transactions_share_commits(store: Store) -> None:
    async def scenario() -> None:
        await asyncio.gather(*(store.write(meta.self_test) for _ in range(200)))

    asyncio.run(scenario())

    assert 1 <= store.commits < 100
    assert store.last_commit is not None


def test_events_are_told_after_their_commit_in_order_and_never_when_undone(
    store: Store, told: list[StoredEvent]
) -> None:
    def undone(db: Connection) -> None:
        fill(db, ["undone"], sha256="cd" * 32)
        raise errors.NotFound("on purpose")

    asyncio.run(store.write(lambda db: fill(db, ["one", "two"])))
    with pytest.raises(errors.NotFound):
        asyncio.run(store.write(undone))

    stored = asyncio.run(store.read(lambda db: events.after(db, 0)))
    assert tuple(told) == stored
    assert [event.event_seq for event in told] == sorted({event.event_seq for event in told})


def test_reads_see_what_was_written_before_and_cannot_write(store: Store) -> None:
    asyncio.run(store.write(lambda db: meta.put(db, "a", "1")))

    assert asyncio.run(store.read(lambda db: meta.get(db, "a"))) == "1"
    with pytest.raises(errors.Denied):
        asyncio.run(store.read(meta.self_test))


def test_a_closed_store_refuses_work(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "edged.db", KEY)
    store.close()

    with pytest.raises(errors.Conflict):
        asyncio.run(store.write(meta.self_test))
    with pytest.raises(errors.Conflict):
        asyncio.run(store.read(lambda db: meta.get(db, "a")))
    assert not (tmp_path / "edged.db-wal").exists()


def test_a_deleted_recording_leaves_nothing(store: Store) -> None:
    texts = [f"number {n} 世界 🎉" for n in range(30)]
    recording_id = asyncio.run(store.write(lambda db: fill(db, texts)))

    asyncio.run(store.delete_recording(recording_id))

    def rows(db: Connection) -> dict[str, int]:
        tables = ("recordings", "sessions", "transcripts", "segments", "audio_chunks")
        found = {name: int(db.execute(f"SELECT count(*) FROM {name}").get) for name in tables}  # noqa: S608 constants
        words = "SELECT count(*) FROM segments_words WHERE segments_words MATCH 'number'"
        return found | {"words": int(db.execute(words).get)}

    assert set(asyncio.run(store.read(rows)).values()) == {0}
    names = [type(e.body).__name__ for e in asyncio.run(store.read(lambda db: events.after(db, 0)))]
    assert names == ["RecordingDeleted", "SessionDeleted"]
    assert asyncio.run(store.check()) == ()
    with pytest.raises(errors.NotFound):
        asyncio.run(store.delete_recording(recording_id))


def test_deleting_in_steps_is_bounded_and_ends(store: Store) -> None:
    recording_id = asyncio.run(store.write(lambda db: fill(db, [f"n {n}" for n in range(25)])))

    steps = 1
    while not asyncio.run(
        store.write(lambda db: recordings.delete(db, recording_id, at_most=10), makes_room=True)
    ):
        steps += 1

    assert steps > 3


def test_a_backup_is_a_store_of_its_own_and_can_be_restored(store: Store, tmp_path: Path) -> None:
    recording_id = asyncio.run(store.write(lambda db: fill(db, ["kept in the backup"])))
    size = asyncio.run(store.backup(tmp_path / "copy.db"))
    assert size == (tmp_path / "copy.db").stat().st_size
    with pytest.raises(errors.Conflict):
        asyncio.run(store.backup(tmp_path / "copy.db"))
    asyncio.run(store.delete_recording(recording_id))
    store.close()

    aside = restore(tmp_path / "copy.db", tmp_path / "edged.db", KEY)

    assert aside is not None
    assert opens(aside, KEY)
    again = Store.open(tmp_path / "edged.db", KEY)
    found = asyncio.run(again.read(lambda db: segments.list_segments(db, recording_id)))
    assert [segment.text for segment in found] == ["kept in the backup"]
    again.close()


def test_a_damaged_backup_is_refused_and_changes_nothing(store: Store, tmp_path: Path) -> None:
    asyncio.run(store.backup(tmp_path / "copy.db"))
    content = bytearray((tmp_path / "copy.db").read_bytes())
    content[-100] ^= 1
    (tmp_path / "copy.db").write_bytes(content)

    with pytest.raises(errors.StoreCorrupt):
        restore(tmp_path / "copy.db", tmp_path / "edged.db", KEY)
    with pytest.raises(errors.NotFound):
        restore(tmp_path / "none.db", tmp_path / "edged.db", KEY)
    with pytest.raises(errors.WrongKey):
        restore(tmp_path / "copy.db", tmp_path / "edged.db", OTHER)

    assert opens(tmp_path / "edged.db", KEY)
    assert not list(tmp_path.glob("*restored*"))


def test_a_backup_that_cannot_be_written_leaves_nothing(store: Store, tmp_path: Path) -> None:
    with pytest.raises(errors.Denied):
        asyncio.run(store.backup(tmp_path / "no" / "copy.db"))

    assert not (tmp_path / "no").exists()


def test_the_key_is_changed_while_work_goes_on(store: Store, tmp_path: Path) -> None:
    async def scenario() -> None:
        recording_id = await store.write(lambda db: fill(db, ["before"]))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(store.rotate_key(OTHER))
            for _ in range(20):
                tasks.create_task(store.write(meta.self_test))
                tasks.create_task(store.read(lambda db: segments.list_segments(db, recording_id)))
        assert len(await store.read(lambda db: segments.list_segments(db, recording_id))) == 1

    asyncio.run(scenario())

    assert opens(tmp_path / "edged.db", OTHER)
    assert not opens(tmp_path / "edged.db", KEY)
    assert asyncio.run(store.check()) == ()
    assert not list(tmp_path.glob("*.rekeyed"))


ROTATE = """
import asyncio, sys
from pathlib import Path
from edged.store import Store, meta
path, old, new = Path(sys.argv[1]), bytes.fromhex(sys.argv[2]), bytes.fromhex(sys.argv[3])
store = Store.open(path, old)
asyncio.run(store.write(lambda db: meta.put(db, "acknowledged", "yes")))
print("acknowledged", flush=True)
asyncio.run(store.rotate_key(new))
"""


@pytest.mark.parametrize(
    ("border", "under"),
    [
        ("rotate_copied", KEY),
        ("rotate_before_swap", KEY),
        ("rotate_after_swap", OTHER),
        ("before_commit", None),
        ("after_commit", KEY),
    ],
)
def test_a_kill_at_any_border_leaves_a_store_that_one_key_opens(
    tmp_path: Path, border: str, under: bytes | None
) -> None:
    path = tmp_path / "edged.db"
    arguments = [sys.executable, "-c", ROTATE, str(path), KEY.hex(), OTHER.hex()]
    done = subprocess.run(
        arguments, env=os.environ | {"EDGED_FAILPOINT": border}, capture_output=True, check=False
    )

    assert done.returncode == -signal.SIGKILL
    key = KEY if under is None else under
    assert opens(path, key)
    assert not opens(path, OTHER if key == KEY else KEY)
    store = Store.open(path, key)
    kept = asyncio.run(store.read(lambda db: meta.get(db, "acknowledged")))
    assert kept == (None if under is None else "yes")
    assert asyncio.run(store.check()) == ()
    asyncio.run(store.rotate_key(bytes(32)))
    store.close()
    assert opens(path, bytes(32))


def test_on_a_full_disk_reading_and_deleting_go_on_and_writing_resumes(
    tmp_path: Path,
) -> None:
    """In a child with a limit on file size: the system says EFBIG where a full disk says ENOSPC."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "edged.db")],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2**21, 2**24)),
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["full", "read", "refused", "deleted", "resumed"]


FULL = """
import asyncio, resource, signal, sys
from pathlib import Path
from edged.errors import DiskFull
from edged.store import Store, audio, meta, recordings

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

async def main():
    store = Store.open(Path(sys.argv[1]), bytes(32))
    made = await store.write(lambda db: recordings.ensure(
        db, name="a", sha256="aa", size_bytes=1))
    number = 0
    try:
        while number < 100:
            await store.write(lambda db: audio.add(
                db, made.recording_id, number=number, data=bytes(200_000)))
            number += 1
    except DiskFull:
        print("full")
    assert store.disk_full
    kept = await store.read(lambda db: audio.size_bytes(db, made.recording_id))
    assert kept == number * 200_000 and number > 2
    print("read")
    try:
        await store.write(lambda db: meta.put(db, "large", "x" * 3_000_000))
    except DiskFull:
        print("refused")
    await store.delete_recording(made.recording_id)
    print("deleted")
    await store.write(lambda db: meta.put(db, "small", "x"))
    assert not store.disk_full
    assert await store.check() == ()
    print("resumed")
    store.close()

asyncio.run(main())
"""


RESTORE = """
import sys
from pathlib import Path
from edged.store import restore
restore(Path(sys.argv[1]) / "copy.db", Path(sys.argv[1]) / "edged.db", bytes(range(32)))
"""


@pytest.mark.parametrize("border", ["restore_before_swap", "restore_between"])
def test_a_restore_that_is_killed_leaves_a_store_in_place(
    store: Store, tmp_path: Path, border: str
) -> None:
    asyncio.run(store.backup(tmp_path / "copy.db"))
    asyncio.run(store.write(lambda db: meta.put(db, "since", "the backup")))
    store.close()

    done = subprocess.run(
        [sys.executable, "-c", RESTORE, str(tmp_path)],
        env=os.environ | {"EDGED_FAILPOINT": border},
        capture_output=True,
        check=False,
    )

    assert done.returncode == -signal.SIGKILL
    again = Store.open(tmp_path / "edged.db", KEY)
    assert asyncio.run(again.read(lambda db: meta.get(db, "since"))) == "the backup"
    again.close()
    restore(tmp_path / "copy.db", tmp_path / "edged.db", KEY)
    assert opens(tmp_path / "edged.db", KEY)
