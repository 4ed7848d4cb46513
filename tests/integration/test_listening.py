"""The whole way of a person who records: captions, speakers, figures, search, export, a sample.

On a sound server without hardware, with what comes from PyPI alone.
"""

import json
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pulse import Pulse
from real_daemon import Daemon

from edged.bridge.link import SyncClient
from edged.errors import Cancelled, DaemonDown
from edged.messages import requests
from edged.messages.events import SegmentAdded, SessionChanged
from edged.messages.people import Speakers, SpeakersClaim
from edged.messages.replies import EventReply, Subscribed

pytestmark = [pytest.mark.speech, pytest.mark.timeout(120)]

GREETING = "how are you today"
LAKE = "going to the lake on saturday"
"""What the first voice says in the first and in the third utterance."""


class Listener(threading.Thread):
    """Another client, which hears the events of a session."""

    def __init__(self, daemon: Daemon) -> None:
        super().__init__(daemon=True)
        self.bodies: list[Any] = []
        self.hearing = threading.Event()
        self._endpoint = daemon.paths.endpoint

    def run(self) -> None:  # type: ignore[explicit-override]  # typing.override came with 3.12
        request = requests.Subscribe(events=("session.", "segment."))
        with (
            suppress(Cancelled, DaemonDown),
            SyncClient(self._endpoint) as client,
        ):  # it ends with the daemon
            for reply, _ in client.stream(request):
                if isinstance(reply, Subscribed):
                    self.hearing.set()
                if isinstance(reply, EventReply):
                    self.bodies.append(reply.body)

    def of(self, kind: type) -> list[Any]:
        """The events of a kind, so far."""
        return [body for body in self.bodies if isinstance(body, kind)]


def test_fifteen_seconds_of_two_people_are_captioned_told_apart_counted_and_found(
    daemon: Daemon, pulse: Pulse, greeting: Path, tmp_path: Path
) -> None:
    daemon.environ.update(pulse.env)
    daemon.start()
    listener = Listener(daemon)
    listener.start()
    assert listener.hearing.wait(10)
    recording = daemon.begin("record", "--for", "15", "--group", "team", "--json")
    daemon.wait(
        lambda: any(one.session.status == "recording" for one in listener.of(SessionChanged))
    )
    pulse.begin(greeting)
    out, _ = recording.communicate(timeout=90)

    assert recording.returncode == 0
    made = json.loads(out)
    session = made["session"]["id"]
    assert made["session"]["status"] == "ready_for_claiming"
    _assert_captions_came_before_the_end(listener)
    _assert_two_take_turns(made["segments"])
    speakers = _claimed(daemon, session, str(made["segments"][0]["speaker_id"]))
    _assert_counted(daemon, speakers)
    _assert_found_and_exported(daemon, session, tmp_path)


def _assert_captions_came_before_the_end(listener: Listener) -> None:
    ended = next(
        place
        for place, body in enumerate(listener.bodies)
        if isinstance(body, SessionChanged) and body.session.status == "processing"
    )
    live = [body for body in listener.bodies[:ended] if isinstance(body, SegmentAdded)]
    assert any(GREETING in one.segment.text for one in live), [one.segment.text for one in live]


def _assert_two_take_turns(segments: list[dict[str, Any]]) -> None:
    labels = [one["speaker"] for one in segments]
    assert set(labels) == {"SPEAKER_00", "SPEAKER_01"}
    lake = next(one for one in segments if LAKE in one["text"])
    answer = next(one for one in segments if "weather" in one["text"])
    assert lake["speaker"] == labels[0]
    assert answer["speaker"] != labels[0]
    assert all(one["start_ms"] < one["end_ms"] <= 17_000 for one in segments)


def _claimed(daemon: Daemon, session: str, first: str) -> Speakers:
    """The speakers, after the first one is me and the other one is Mei."""
    daemon.ask(SpeakersClaim(speaker_id=first, claim_type="self"), Speakers)
    shown = daemon.json("speakers", "list", session)["speakers"]
    other = next(one["id"] for one in shown if one["id"] != first)
    found: Speakers = daemon.ask(
        SpeakersClaim(speaker_id=other, claim_type="user", name="Mei"), Speakers
    )
    assert daemon.json("sessions", "show", session)["status"] == "completed"
    return found


def _assert_counted(daemon: Daemon, speakers: Speakers) -> None:
    figures = daemon.json("stats", "--group", "team")
    assert {one["kind"] for one in figures["speakers"]} == {"person"}
    assert figures["totals"]["words"] == sum(one["figures"]["words"] for one in figures["speakers"])
    assert figures["totals"]["unknown_speech"] == pytest.approx(0.0, abs=0.2)
    assert len(speakers.speakers) == 2
    mei = daemon.json("wrapped", "--person", "Mei")
    assert mei["sessions"] == 1
    assert mei["words"] > 5


def _assert_found_and_exported(daemon: Daemon, session: str, tmp_path: Path) -> None:
    hits = daemon.json("search", "weather", "--speaker", "Mei", "--group", "team")["hits"]
    assert len(hits) == 1
    assert daemon.json("search", "weather", "--group", "nobody")["hits"] == []
    out = tmp_path / "talk.srt"
    daemon.json("sessions", "export", session, "--format", "srt", "--out", str(out))
    assert LAKE in out.read_text()
    ledger = daemon.json("sessions", "ledger", session)["entries"]
    captured_ms = sum(
        one["end_ms"] - one["start_ms"] for one in ledger if one["state"] == "captured"
    )
    assert captured_ms >= 14_000
