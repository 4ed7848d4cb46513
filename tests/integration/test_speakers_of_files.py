"""Who speaks in a file: from the command line to the sample clip, on a real daemon."""

import io
import json
import wave
from pathlib import Path
from typing import Any

import pytest
from real_daemon import Daemon

from edged.messages import people, replies, requests, sessions
from edged.messages.requests import AnyRequest

pytestmark = pytest.mark.speech


def _audio(daemon: Daemon, request: AnyRequest) -> tuple[bytes, str]:
    with daemon.client() as client:
        found = [
            (bytes(parts[0]), reply.media_type)
            for reply, parts in client.stream(request)
            if isinstance(reply, replies.Audio)
        ]
    return b"".join(data for data, _ in found), found[0][1]


@pytest.fixture(scope="module")
def transcribed(shared_daemon: Daemon, clip: Path) -> dict[str, Any]:
    found: dict[str, Any] = shared_daemon.json("transcribe", str(clip), "--speakers", "2")
    return found


def test_every_segment_names_its_speaker(transcribed: dict[str, Any]) -> None:
    speakers = [segment["speaker"] for segment in transcribed["segments"]]

    assert set(speakers) == {"SPEAKER_00", "SPEAKER_01"}
    assert speakers[0] == "SPEAKER_00"
    assert [segment["seq"] for segment in transcribed["segments"]] == list(range(len(speakers)))


def test_its_session_waits_for_names_and_its_speakers_have_clips(
    shared_daemon: Daemon, transcribed: dict[str, Any]
) -> None:
    recording = shared_daemon.ask(
        requests.RecordingsGet(recording_id=transcribed["recording_id"]), replies.OneRecording
    ).recording
    found = shared_daemon.ask(
        sessions.SessionsGet(session_id=recording.session_id), sessions.OneSession
    ).session
    listed = shared_daemon.ask(
        people.SpeakersList(session_id=recording.session_id), people.Speakers
    ).speakers

    data, media_type = _audio(shared_daemon, people.SpeakersSample(speaker_id=listed[0].id))

    assert found.status == "ready_for_claiming"
    assert [one.sample for one in listed] == [True, True]
    assert media_type == "audio/wav"
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getframerate(), file.getnchannels()) == (16_000, 1)
        assert 1.0 < file.getnframes() / 16_000 <= 5.0


def test_a_stretch_comes_as_a_file_of_its_own(
    shared_daemon: Daemon, transcribed: dict[str, Any]
) -> None:
    asked = requests.RecordingsAudio(
        recording_id=transcribed["recording_id"], from_ms=2_000, to_ms=4_500, format="wav"
    )

    data, _ = _audio(shared_daemon, asked)

    with wave.open(io.BytesIO(data)) as file:
        assert file.getnframes() == 40_000


def test_a_second_time_it_is_answered_from_the_store(
    shared_daemon: Daemon, clip: Path, transcribed: dict[str, Any]
) -> None:
    again = shared_daemon.json("transcribe", str(clip), "--speakers", "2")

    assert json.dumps(again["segments"]) == json.dumps(transcribed["segments"])
