"""A daemon that is killed at a commit border in the work after a session's end loses nothing."""

import time
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_daemon import Daemon

from edged.errors import EdgedError
from edged.media import SPEECH
from edged.messages import people, replies, requests, sessions

pytestmark = [pytest.mark.speech, pytest.mark.long, pytest.mark.timeout(280)]

BORDERS = (6, 10, 14)
"""Commits of the second daemon: it was started to do the work, and nothing else."""

WITHIN_S = 80.0


def _stopped_session(daemon: Daemon, clip: Path) -> str:
    """A session of one chunk, whose recording is over; the daemon is killed at once."""
    with wave.open(str(clip)) as file:
        pcm = file.readframes(file.getnframes())
    with daemon.client() as client:
        asked = sessions.SessionsStart(
            sources=(sessions.SourceWish(kind="client"),), live=False, speakers=2
        )
        session_id: str = client.ask(asked, sessions.OneSession).session.id
        append = sessions.SessionsAppend(session_id=session_id, chunk_number=0, audio=SPEECH)
        client.ask(append, sessions.Appended, (pcm,))
        client.ask(sessions.SessionsStop(session_id=session_id), sessions.OneSession)
    return session_id


def _over(daemon: Daemon, session_id: str) -> bool:
    """Whether the work is done; a daemon that died has not done it."""
    try:
        found = daemon.ask(sessions.SessionsGet(session_id=session_id), sessions.OneSession)
    except EdgedError:
        return False
    return bool(found.session.status == "ready_for_claiming")


def _killed(daemon: Daemon, session_id: str) -> bool:
    """Whether the daemon killed itself before its work was done."""
    process = daemon.process
    assert process is not None
    deadline = time.monotonic() + WITHIN_S
    while process.poll() is None and not _over(daemon, session_id):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process.poll() is not None


def _picture(daemon: Daemon, session_id: str) -> Iterator[object]:
    found = daemon.ask(sessions.SessionsGet(session_id=session_id), sessions.OneSession).session
    listed = daemon.ask(people.SpeakersList(session_id=session_id), people.Speakers).speakers
    for one in listed:
        yield one.label, one.segment_count, one.total_duration_ms, one.word_counts, one.sample
    asked = requests.SegmentsList(recording_id=found.sources[0].recording_id, limit=1000)
    for segment in daemon.ask(asked, replies.Segments).segments:
        yield segment.seq, segment.start_ms, segment.end_ms, segment.speaker, segment.words
    yield daemon.ask(people.Stats(session_id=session_id), people.Statistics).totals


def test_a_killed_daemon_goes_on_to_the_same_result(daemon: Daemon, clip: Path) -> None:
    daemon.start()
    expected_id = _stopped_session(daemon, clip)
    daemon.wait(lambda: _over(daemon, expected_id), within_s=WITHIN_S)
    expected = list(_picture(daemon, expected_id))
    assert len(expected) > 4

    for border in BORDERS:
        session_id = _stopped_session(daemon, clip)
        daemon.kill()
        daemon.start(EDGED_FAILPOINT=f"after_commit:{border}")
        killed = _killed(daemon, session_id)
        daemon.kill()
        daemon.start()
        daemon.wait(lambda one=session_id: _over(daemon, one), within_s=WITHIN_S)  # type: ignore[misc]  # a default

        assert killed, border

        assert list(_picture(daemon, session_id)) == expected, border
