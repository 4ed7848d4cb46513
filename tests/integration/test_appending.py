"""Sessions that a client records itself, chunk by chunk, against a real daemon."""

import io
import wave
from pathlib import Path

import pytest
from real_daemon import Daemon

from edged.bridge.link import SyncClient
from edged.errors import BadMedia, BadRequest, Conflict, NotFound
from edged.media import AudioFormat
from edged.messages import replies, requests
from edged.messages.sessions import (
    Appended,
    Ledger,
    OneSession,
    Session,
    SessionsAppend,
    SessionsDelete,
    SessionsGet,
    SessionsLedger,
    SessionsPause,
    SessionsResume,
    SessionsStart,
    SessionsStop,
    SourceWish,
)

pytestmark = [pytest.mark.speech, pytest.mark.timeout(40)]

SPEECH = AudioFormat(sample_rate=16_000)
SECOND = bytes(32_000)


def _start(client: SyncClient, *, live: bool = False) -> str:
    request = SessionsStart(
        sources=(SourceWish(kind="client"),), live=live, diarize=False, chunk_ms=1_000
    )
    return client.ask(request, OneSession).session.id


def _append(client: SyncClient, session_id: str, number: int, pcm: bytes) -> Appended:
    request = SessionsAppend(session_id=session_id, chunk_number=number, audio=SPEECH)
    return client.ask(request, Appended, [pcm])


def _pcm(clip: Path, start_s: float, end_s: float) -> bytes:
    with wave.open(str(clip)) as reader:
        reader.setpos(int(start_s * 16_000))
        return bytes(reader.readframes(int((end_s - start_s) * 16_000)))


def _wav(pcm: bytes) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(16_000)
        writer.writeframes(pcm)
    return made.getvalue()


def _entries(client: SyncClient, session_id: str) -> list[tuple[int, int, str, str]]:
    found = client.ask(SessionsLedger(session_id=session_id), Ledger).entries
    return [(one.start_ms, one.end_ms, one.state, one.reason) for one in found]


def test_chunks_come_in_any_order_and_again_and_what_never_came_is_a_gap(
    shared_daemon: Daemon, clip: Path
) -> None:
    said = _pcm(clip, 1, 2)
    with shared_daemon.client() as client:
        session_id = _start(client)

        third = _append(client, session_id, 2, said)
        first = _append(client, session_id, 0, said)
        again = _append(client, session_id, 0, said)
        silent = _append(client, session_id, 1, SECOND)
        with pytest.raises(Conflict):
            _append(client, session_id, 1, said)
        before = _entries(client, session_id)
        late = _append(client, session_id, 4, said)
        client.ask(SessionsStop(session_id=session_id, chunks=6), OneSession)
        after = _entries(client, session_id)
        client.ask(SessionsDelete(session_id=session_id), replies.Done)

    assert [one.missing for one in (third, first, again, silent, late)] == [
        (0, 1), (), (), (), (3,),
    ]  # fmt: skip
    assert (first.existing, again.existing, first.duration_ms) == (False, True, 1_000)
    assert before == [
        (0, 1_000, "captured", ""), (1_000, 2_000, "silence", ""), (2_000, 3_000, "captured", ""),
    ]  # fmt: skip
    assert after[3:] == [
        (3_000, 4_000, "gap", "not_uploaded"),
        (4_000, 5_000, "captured", ""),
        (5_000, 6_000, "gap", "not_uploaded"),
    ]


def test_a_session_that_was_sent_nothing_failed_without_audio(shared_daemon: Daemon) -> None:
    with shared_daemon.client() as client:
        session_id = _start(client)

        ended = client.ask(SessionsStop(session_id=session_id, chunks=3), OneSession).session

    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error.code == "no_audio"


def test_chunks_are_heard_while_they_come_whatever_their_format(
    shared_daemon: Daemon, clip: Path
) -> None:
    """The sentence lies across the border of two chunks, the second a file, that come reversed."""
    with shared_daemon.client() as client:
        session_id = _start(client, live=True)
        file = SessionsAppend(session_id=session_id, chunk_number=1)
        client.ask(file, Appended, [_wav(_pcm(clip, 2, 4))])
        _append(client, session_id, 0, _pcm(clip, 0, 2))

        def heard() -> Session | None:
            found: OneSession = shared_daemon.ask(SessionsGet(session_id=session_id), OneSession)
            recording_id = found.session.sources[0].recording_id
            segments: replies.Segments = shared_daemon.ask(
                requests.SegmentsList(recording_id=recording_id), replies.Segments
            )
            texts = [one.text for one in segments.segments]
            return found.session if any("put the tickets" in text for text in texts) else None

        session = shared_daemon.wait(heard, within_s=30)
        client.ask(SessionsDelete(session_id=session_id), replies.Done)

    assert session.status == "recording"
    assert session.duration_ms == 4_000


def test_a_chunk_that_cannot_be_taken_leaves_nothing(shared_daemon: Daemon) -> None:
    with shared_daemon.client() as client:
        session_id = _start(client)
        wrong = {
            SessionsAppend(session_id="1b2c3d4e5f60718a", chunk_number=0, audio=SPEECH): NotFound,
            SessionsAppend(session_id=session_id, chunk_number=0, source=1): BadRequest,
            SessionsAppend(session_id=session_id, chunk_number=0): BadMedia,
            SessionsAppend(session_id=session_id, chunk_number=10_000_000): BadRequest,
        }
        for request, kind in wrong.items():
            with pytest.raises(kind):
                client.ask(request, Appended, [SECOND])
        with pytest.raises(BadRequest):
            _append(client, session_id, 0, b"\x00")
        with pytest.raises(BadRequest):
            _append(client, session_id, 0, b"")

        assert _entries(client, session_id) == []


def test_a_paused_or_ended_session_takes_no_new_chunk_but_knows_those_it_has(
    shared_daemon: Daemon,
) -> None:
    with shared_daemon.client() as client:
        session_id = _start(client)
        _append(client, session_id, 0, SECOND)

        client.ask(SessionsPause(session_id=session_id), OneSession)
        with pytest.raises(Conflict):
            _append(client, session_id, 1, SECOND)
        client.ask(SessionsResume(session_id=session_id), OneSession)
        _append(client, session_id, 1, SECOND)
        client.ask(SessionsStop(session_id=session_id), OneSession)
        with pytest.raises(Conflict):
            _append(client, session_id, 2, SECOND)

        assert _append(client, session_id, 1, SECOND).existing
