"""Uploads in the store: parts in any order, once or twice, and what becomes of them."""

import asyncio
import hashlib
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edged.errors import BadRequest, Busy, Conflict, DiskFull, NotFound, TooLarge
from edged.messages.records import Job, Problem
from edged.store import Connection, Store, engine, jobs, outcomes, schema, uploads
from edged.store.digests import Digests
from edged.store.uploads import Upload

CONTENT = bytes(range(256)) * 4
DAY_MS = 86_400_000
MOST = 10_000


@pytest.fixture
def db(tmp_path: Path) -> Connection:
    """A migrated connection; each call is its own transaction."""
    path = tmp_path / "edged.db"
    path.touch()
    opened = engine.connect(path, bytes(32), "aegis")
    schema.migrate(opened)
    opened.pragma("synchronous", "OFF")
    return opened


def _begin(db: Connection, size: int = len(CONTENT), *, owner: str = "") -> Upload:
    return uploads.begin(
        db, owner=owner, size_bytes=size, sha256=None, most_bytes=MOST, keep_ms=DAY_MS
    )


def _add(db: Connection, upload: Upload, start: int, end: int) -> bytes:
    now = uploads.get(db, upload.upload_id)
    return bytes(uploads.add(db, now, start=start, data=CONTENT[start:end], keep_ms=DAY_MS))


def _held(db: Connection, upload: Upload) -> bytes:
    held = b""
    while some := uploads.read(db, upload, start=len(held)):
        held += b"".join(some)
    return held


def _whole(db: Connection, *, owner: str = "") -> Upload:
    upload = _begin(db, owner=owner)
    _add(db, upload, 0, len(CONTENT))
    uploads.close(db, upload.upload_id, owner=owner, sha256="ab" * 32)
    return uploads.get(db, upload.upload_id)


def _job(db: Connection, key: str) -> Job:
    job, _ = jobs.submit(
        db, key=key, kind="transcribe", payload=b"x", priority="batch", max_attempts=1
    )
    return job


def _hand_over(db: Connection, upload: Upload, job: Job, *, wanted: bool = True) -> None:
    uploads.hand_over(db, upload.upload_id, owner=upload.owner, job_id=job.job_id, wanted=wanted)


def _run(db: Connection) -> Job:
    claimed = jobs.claim(db, worker="w", lease_ms=1_000, now=datetime.now(UTC) + timedelta(days=9))
    assert claimed is not None
    return claimed[0]


def _outlived(db: Connection, after: timedelta = timedelta()) -> tuple[str, ...]:
    return uploads.outlived(db, now=datetime.now(UTC) + after, keep_ms=DAY_MS)


def test_parts_that_come_twice_or_overlap_are_stored_once(db: Connection) -> None:
    upload = _begin(db)

    news = [_add(db, upload, *part) for part in ((0, 500), (0, 500), (100, 700), (700, 1024))]

    assert b"".join(news) == CONTENT
    assert _held(db, upload) == CONTENT
    assert uploads.get(db, upload.upload_id).received == len(CONTENT)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(
        st.tuples(st.integers(0, len(CONTENT)), st.integers(1, 400)), min_size=1, max_size=30
    )
)
def test_whatever_parts_come_what_is_held_is_a_prefix_and_the_digest_agrees(
    db: Connection, parts: list[tuple[int, int]]
) -> None:
    upload, digests = _begin(db, owner=str(len(parts))), Digests()

    for start, size in parts:
        before = uploads.get(db, upload.upload_id).received
        end = min(start + size, len(CONTENT))
        if start > before:
            with pytest.raises(Conflict, match="missing"):
                _add(db, upload, start, end)
        elif fresh := _add(db, upload, start, end):
            digests.add(upload.upload_id, before, fresh)

    received = uploads.get(db, upload.upload_id).received
    assert _held(db, upload) == CONTENT[:received]
    assert (digests.find(upload.upload_id, received) is not None) == (received > 0)
    uploads.delete(db, upload.upload_id, at_most=10**6)


def test_a_gap_says_from_where_to_go_on(db: Connection) -> None:
    upload = _begin(db)
    _add(db, upload, 0, 300)

    with pytest.raises(Conflict) as refusal:
        _add(db, upload, 400, 500)

    assert refusal.value.details["received"] == 300


def test_bytes_beyond_the_end_are_refused(db: Connection) -> None:
    upload = _begin(db, 100)

    with pytest.raises(BadRequest, match="passes the end"):
        _add(db, upload, 0, 101)


def test_another_owners_upload_is_as_absent(db: Connection) -> None:
    upload = _whole(db, owner="c0ffee")

    for owner in ("", "beef"):
        with pytest.raises(NotFound):
            uploads.get(db, upload.upload_id, owner=owner)
        with pytest.raises(NotFound):
            uploads.drop(db, upload.upload_id, owner=owner)
        with pytest.raises(NotFound):
            uploads.resume(db, upload.upload_id, owner=owner, size_bytes=len(CONTENT), sha256=None)
    assert uploads.get(db, upload.upload_id, owner="c0ffee") == upload


def test_going_on_needs_the_same_size_and_hash(db: Connection) -> None:
    upload = _begin(db)
    name = upload.upload_id
    uploads.resume(db, name, owner="", size_bytes=len(CONTENT), sha256="ab" * 32)

    with pytest.raises(Conflict, match="size"):
        uploads.resume(db, name, owner="", size_bytes=5, sha256=None)
    with pytest.raises(Conflict, match="sha256"):
        uploads.resume(db, name, owner="", size_bytes=len(CONTENT), sha256="cd" * 32)


def test_all_uploads_of_an_owner_are_bounded_together_and_others_are_not_hindered(
    db: Connection,
) -> None:
    _begin(db, MOST - 10, owner="a")

    with pytest.raises(TooLarge):
        _begin(db, 11, owner="a")
    assert _begin(db, 10, owner="a").received == 0
    assert _begin(db, MOST, owner="b").received == 0


def test_the_number_of_uploads_is_bounded(db: Connection) -> None:
    for _ in range(uploads.MOST_UPLOADS):
        _begin(db, 1)

    with pytest.raises(Busy):
        _begin(db, 1)


def test_an_upload_is_outlived_after_its_time_and_deleted_in_steps(db: Connection) -> None:
    upload = _begin(db)
    for start in range(0, len(CONTENT), 100):
        _add(db, upload, start, min(start + 100, len(CONTENT)))

    assert not _outlived(db, timedelta(hours=23))
    assert _outlived(db, timedelta(hours=25)) == (upload.upload_id,)
    steps = [uploads.delete(db, upload.upload_id, at_most=200) for _ in range(3)]
    assert steps == [False, False, True]
    assert db.execute("SELECT count(*) FROM upload_pieces").get == 0
    assert not _outlived(db, timedelta(hours=25))


def test_a_job_keeps_its_upload_until_it_is_done(db: Connection) -> None:
    upload, job = _whole(db), _job(db, "a")

    _hand_over(db, upload, job)

    assert not _outlived(db, timedelta(days=30))
    with pytest.raises(Conflict, match="job"):
        uploads.drop(db, upload.upload_id, owner="")
    _run(db)
    outcomes.finish(db, job.job_id)
    with pytest.raises(NotFound):
        uploads.get(db, upload.upload_id)
    assert _outlived(db) == (upload.upload_id,)


def test_a_failed_jobs_upload_stays_a_while_so_that_it_can_be_tried_again(db: Connection) -> None:
    upload, job = _whole(db), _job(db, "a")
    _hand_over(db, upload, job)
    _run(db)

    outcomes.fail(db, job.job_id, Problem(code="busy", message="m", fix="f"), retry=False)

    assert not _outlived(db, timedelta(hours=23))
    assert _outlived(db, timedelta(hours=25)) == (upload.upload_id,)


def test_the_same_content_a_second_time_is_dropped_and_a_failed_job_takes_the_new_one(
    db: Connection,
) -> None:
    first, second, job = _whole(db), _whole(db), _job(db, "a")
    _hand_over(db, first, job)

    _hand_over(db, first, job, wanted=False)
    _hand_over(db, second, job, wanted=False)

    assert _outlived(db) == (second.upload_id,)
    third = _whole(db)
    _hand_over(db, third, job)
    assert set(_outlived(db)) == {first.upload_id, second.upload_id}
    assert uploads.get(db, third.upload_id).closed


def test_an_upload_of_one_job_cannot_be_given_to_another(db: Connection) -> None:
    upload = _whole(db)
    _hand_over(db, upload, _job(db, "a"))

    with pytest.raises(Conflict, match="another job"):
        _hand_over(db, upload, _job(db, "b"))


def test_an_upload_whose_job_was_removed_ends_with_its_time(db: Connection) -> None:
    upload, job = _whole(db), _job(db, "a")
    _hand_over(db, upload, job)
    jobs.cancel(db, job.job_id)

    jobs.purge(db, before=datetime.now(UTC) + timedelta(seconds=1))

    assert _outlived(db, timedelta(days=2)) == (upload.upload_id,)
    assert _held(db, upload) == CONTENT


def test_a_part_that_found_no_room_counts_for_nothing_and_deleting_works_all_the_same(
    tmp_path: Path,
) -> None:
    piece, digests = random.Random(1).randbytes(200_000), Digests()

    async def scenario(store: Store) -> None:
        upload = await store.write(
            lambda db: uploads.begin(
                db, owner="", size_bytes=2**30, sha256=None, most_bytes=2**40, keep_ms=DAY_MS
            )
        )

        def add(db: Connection) -> int:
            now = uploads.get(db, upload.upload_id)
            fresh = uploads.add(db, now, start=now.received, data=piece, keep_ms=DAY_MS)
            digests.add(upload.upload_id, now.received, fresh)
            return now.received + len(fresh)

        acknowledged = [await store.write(add) for _ in range(3)][-1]
        pages = await store.read(lambda db: int(db.pragma("page_count")))
        await store.write(lambda db: db.pragma("max_page_count", pages + 10))
        with pytest.raises(DiskFull):
            await store.write(add)

        held = await store.read(lambda db: uploads.get(db, upload.upload_id).received)
        assert held == acknowledged == 600_000
        await store.write(lambda db: db.pragma("max_page_count", 2**30), makes_room=True)
        assert await store.write(add) == 800_000
        whole = hashlib.sha256(piece * 4).hexdigest()
        assert digests.find(upload.upload_id, 800_000) == whole
        await store.delete_upload(upload.upload_id)
        assert (
            await store.read(lambda db: db.execute("SELECT count(*) FROM upload_pieces").get) == 0
        )

    store = Store.open(tmp_path / "edged.db", bytes(32))
    try:
        asyncio.run(scenario(store))
    finally:
        store.close()
