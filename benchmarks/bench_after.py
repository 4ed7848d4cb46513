"""How long after its end is a session ready to be claimed, and does its length cost memory?"""

import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks import sounds
from benchmarks.bench_long import Watcher
from benchmarks.figures import Figure
from benchmarks.served import Served
from edged.bridge.link import SyncClient
from edged.media import SPEECH, SPEECH_RATE
from edged.messages import replies, requests, sessions

TITLE = "From a session's end to ready_for_claiming, with the defaults"

CHUNK_MS = 30_000
LIMITS_S = {1: 30.0, 5: 120.0}
"""Minutes of audio, and how long the work after the end may take on two cores."""

HOURS = 10.0
TALK_EVERY_S = 3600
LONGEST_S = 1_500.0
POLL_S = 0.05


def measure(*, quick: bool) -> list[Figure]:
    """A minute and five of conversation; unless `quick`, ten hours of a room with some talk too."""
    conversation = sounds.pcm(sounds.CONVERSATION)
    figures: list[Figure] = []
    for minutes, limit_s in LIMITS_S.items():
        with Served() as daemon, daemon.client() as client:
            session_id = _feed(client, conversation * minutes)
            took_s = _finish(client, session_id)
            figures.append(_took(client, session_id, f"{minutes} min", took_s, limit_s))
    if not quick:
        figures += _ten_hours()
    return figures


def _ten_hours() -> list[Figure]:
    """The time, and the most memory of the daemon and of its workers."""
    with ExitStack() as stack:
        folder = stack.enter_context(sounds.folder())
        block = sounds.sparse(TALK_EVERY_S / 3600, folder / "hour.opus", block_s=TALK_EVERY_S)
        daemon = stack.enter_context(Served())
        client = stack.enter_context(daemon.client(answer_within_s=120))
        session_id = _feed_files(client, block, round(HOURS * 3600 / TALK_EVERY_S))
        watcher = Watcher(daemon.pid)
        watcher.start()
        took_s = _finish(client, session_id)
        watcher.end()
        note = ", ".join(f"{who} {size:.0f}" for who, size in watcher.most.items())
        return [
            _took(client, session_id, "10 h of a room, a minute of talk in each", took_s, None),
            Figure(
                what="most PSS of daemon and decode worker meanwhile",
                value=watcher.together,
                unit="MB",
                most=500,
                note=note,
            ),
        ]


def _start(client: SyncClient, chunk_ms: int) -> str:
    request = sessions.SessionsStart(
        sources=(sessions.SourceWish(kind="client"),), live=False, chunk_ms=chunk_ms
    )
    session_id: str = client.ask(request, sessions.OneSession).session.id
    return session_id


def _feed(client: SyncClient, pcm: bytes) -> str:
    """A session in chunks of raw PCM."""
    session_id = _start(client, CHUNK_MS)
    size = CHUNK_MS * SPEECH_RATE * 2 // 1000
    for number, at in enumerate(range(0, len(pcm), size)):
        request = sessions.SessionsAppend(session_id=session_id, chunk_number=number, audio=SPEECH)
        client.ask(request, sessions.Appended, (pcm[at : at + size],))
    return session_id


def _feed_files(client: SyncClient, path: Path, times: int) -> str:
    """A session in chunks of ten minutes, each an Opus file; the same hour again and again."""
    session_id = _start(client, 600_000)
    pcm = sounds.pcm(path)
    size = 600 * SPEECH_RATE * 2
    pieces = [
        sounds.encoded(pcm[at : at + size], path.with_name("piece.opus")).read_bytes()
        for at in range(0, len(pcm), size)
    ]
    for number, data in enumerate(pieces * times):
        request = sessions.SessionsAppend(session_id=session_id, chunk_number=number)
        client.ask(request, sessions.Appended, (data,))
    return session_id


def _finish(client: SyncClient, session_id: str) -> float:
    """Stop it, and wait until the work is done; seconds from the stop."""
    started = time.perf_counter()
    client.ask(sessions.SessionsStop(session_id=session_id), sessions.OneSession)
    while _session(client, session_id).status in {"recording", "paused", "processing"}:
        if time.perf_counter() - started > LONGEST_S:
            break
        time.sleep(POLL_S)
    return time.perf_counter() - started


def _session(client: SyncClient, session_id: str) -> sessions.Session:
    request = sessions.SessionsGet(session_id=session_id)
    found: sessions.Session = client.ask(request, sessions.OneSession).session
    return found


def _took(
    client: SyncClient, session_id: str, what: str, took_s: float, limit_s: float | None
) -> Figure:
    found = _session(client, session_id)
    models = client.ask(requests.ModelsPs(), replies.LoadedModels).models
    names = ", ".join(sorted(one.id for one in models))
    return Figure(
        what=f"end to {found.status}, {what}",
        value=took_s,
        unit="s",
        most=limit_s,
        note=f"{found.speaker_count} speakers; {names}",
    )
