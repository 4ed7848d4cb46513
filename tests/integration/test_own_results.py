"""Two extensions at one daemon: what one makes is nothing that the other can find."""

import io
import shutil
import tempfile
import wave
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from extensions import OTHER, Extension, forget_all
from fake_notify_send import FakeNotifySend
from pulse import Pulse, sound_server
from real_daemon import Daemon

from edged.errors import Denied, NotFound
from edged.messages import access, replies, requests, sessions, uploads
from edged.messages.access import Scope

SCOPES: tuple[Scope, ...] = ("speech", "capture.microphone", "results.read", "results.delete")


@pytest.fixture(scope="module")
def room() -> Iterator[Pulse]:
    """A sound server with a microphone."""
    with sound_server() as server:
        yield server


@pytest.fixture(scope="module")
def desktop() -> Iterator[FakeNotifySend]:
    """A desktop that notes what it shows."""
    folder = Path(tempfile.mkdtemp(prefix="edged-desktop-", dir="/tmp"))
    yield FakeNotifySend(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def box(room: Pulse, desktop: FakeNotifySend) -> Iterator[Daemon]:
    """A running daemon in that room, on that desktop."""
    home = Path(tempfile.mkdtemp(prefix="edged-", dir="/tmp"))
    daemon = Daemon(home, EDGED_ACCESS_NOTIFY="true", **desktop.environ, **room.env)
    try:
        daemon.start()
        yield daemon
        daemon.stop()
    finally:
        daemon.kill()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def panel(box: Daemon) -> Iterator[Extension]:
    """An extension that may do a lot; nobody is known afterwards."""
    with Extension(box) as extension:
        extension.pair(box, *SCOPES)
        yield extension
    forget_all(box)


@pytest.fixture
def other(box: Daemon, panel: Extension) -> Iterator[Extension]:
    """Another one that may do the same."""
    del panel  # it cleans up after both
    with Extension(box, OTHER) as extension:
        extension.pair(box, *SCOPES)
        yield extension


def _silence(seconds: int) -> bytes:
    """A WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(16_000)
        writer.writeframes(bytes(32_000 * seconds))
    return file.getvalue()


def _recordings(who: Extension) -> set[str]:
    found = who.ask(requests.RecordingsList(), replies.Recordings).recordings
    return {one.recording_id for one in found}


def test_a_recording_of_an_extension_is_seen_by_the_user_and_no_other_extension(
    box: Daemon, panel: Extension, other: Extension, desktop: FakeNotifySend
) -> None:
    request = sessions.SessionsStart(live=False, diarize=False)
    session = panel.ask(request, sessions.OneSession).session

    (listening,) = box.health().recording
    assert (listening.session_id, listening.started_by) == (session.id, "panel")
    assert len(panel.ask(requests.Health(), replies.HealthReport).recording) == 1
    assert other.ask(requests.Health(), replies.HealthReport).recording == ()
    for question in (
        sessions.SessionsGet(session_id=session.id),
        sessions.SessionsPause(session_id=session.id),
        sessions.SessionsStop(session_id=session.id),
        sessions.SessionsDelete(session_id=session.id),
        sessions.StreamOpen(stream="s", kind="session", session_id=session.id),
    ):
        with pytest.raises(NotFound, match="no such session"):
            other.ask(question, replies.Done)
    box.wait(lambda: any("panel uses the microphone." in one for one in desktop.shown))
    panel.ask(sessions.SessionsPause(session_id=session.id), sessions.OneSession)
    panel.ask(sessions.SessionsResume(session_id=session.id), sessions.OneSession)
    stopped = panel.ask(sessions.SessionsStop(session_id=session.id), sessions.OneSession)
    assert stopped.session.status == "processing"
    assert box.health().recording == ()
    panel.ask(sessions.SessionsDelete(session_id=session.id), replies.Done)
    acts: Counter[tuple[str, str]] = Counter()
    for one in box.ask(access.ClientsAudit(), access.Audit).entries:
        acts[one.act, one.what] += one.count
    assert acts["captured", "capture.microphone"] == 2
    assert acts["deleted", "sessions.delete"] == 1


def test_a_stranger_is_shown_on_the_desktop(box: Daemon, desktop: FakeNotifySend) -> None:
    with Extension(box, "chrome-extension://cccccccccccccccccccccccccccccccc/") as stranger:
        client = stranger.ask_to_pair("vision")

        box.wait(lambda: any(client.fingerprint in " ".join(one) for one in desktop.shown))
    forget_all(box)


def test_the_same_bytes_are_transcribed_for_each_of_them(
    box: Daemon, panel: Extension, other: Extension
) -> None:
    sound, request = _silence(1), requests.Transcribe(name="silence")

    first = panel.ask(request, replies.Accepted, sound)
    while not isinstance(panel.receive(), replies.Transcribed):
        continue
    theirs = other.ask(request, replies.Accepted, sound)
    again = panel.ask(request, replies.Accepted, sound)

    assert (first.reused, theirs.reused, again.reused) == (False, False, True)
    assert again.recording_id == first.recording_id != theirs.recording_id
    assert _recordings(panel) == {first.recording_id}
    assert _recordings(other) == {theirs.recording_id}
    with pytest.raises(NotFound):
        other.ask(requests.RecordingsAudio(recording_id=first.recording_id), replies.Audio)
    found = box.ask(requests.RecordingsList(), replies.Recordings).recordings
    assert {first.recording_id, theirs.recording_id} <= {one.recording_id for one in found}


def test_a_job_and_its_upload_are_of_whom_sent_them(
    box: Daemon, panel: Extension, other: Extension
) -> None:
    sound = _silence(2)
    size = len(sound)
    upload_id = panel.ask(uploads.UploadOpen(size_bytes=size), uploads.UploadOpened).upload_id
    panel.ask(uploads.UploadPart(upload_id=upload_id, offset=0), uploads.UploadTaken, sound)
    submit = requests.JobsSubmit(upload_id=upload_id)
    for question in (
        uploads.UploadOpen(size_bytes=size, upload_id=upload_id),
        uploads.UploadClose(upload_id=upload_id),
        submit,
    ):
        with pytest.raises(NotFound):
            other.ask(question, replies.Done)
    panel.ask(uploads.UploadClose(upload_id=upload_id), uploads.Uploaded)

    job_id = panel.ask(submit, replies.OneJob).job.job_id

    with pytest.raises(NotFound, match="no such job"):
        other.ask(requests.JobsGet(job_id=job_id), replies.OneJob)
    assert other.ask(requests.JobsList(), replies.Jobs).jobs == ()
    done = box.wait(
        lambda: (
            (job := panel.ask(requests.JobsGet(job_id=job_id), replies.OneJob).job).state == "done"
            and job
        )
    )
    assert done.recording_id in _recordings(panel)
    assert done.recording_id not in _recordings(other)


def test_what_a_stream_keeps_is_of_whom_opened_it(panel: Extension, other: Extension) -> None:
    opened = panel.ask(sessions.StreamOpen(stream="s"), sessions.StreamOpened)
    with pytest.raises(NotFound):
        other.ask(sessions.StreamAudio(stream="s"), sessions.StreamTaken, bytes(3200))
    panel.ask(sessions.StreamClose(stream="s"), sessions.StreamClosed)

    assert opened.recording_id in _recordings(panel)
    assert opened.recording_id not in _recordings(other)


def test_no_file_of_the_machine_is_opened_for_an_extension(panel: Extension) -> None:
    with pytest.raises(Denied, match="clients may not name files"):
        panel.ask(requests.Transcribe(path="/etc/passwd"), replies.Accepted)
