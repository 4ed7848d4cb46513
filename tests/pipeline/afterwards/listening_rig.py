"""A store with a session of chunks, real workers with models whose answers are known."""

import asyncio
import contextlib
import json
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from edged.config import Config, Paths
from edged.events import Bus
from edged.jobs.runner import Runner
from edged.jobs.work import Work
from edged.media import SPEECH
from edged.messages.sessions import SessionsStart
from edged.models import catalog
from edged.models.manifest import Engine
from edged.models.pool import Pool
from edged.pipeline.afterwards.work import Afterwards
from edged.pipeline.decoders import Decoders
from edged.pipeline.lexicons import Lexicons
from edged.pipeline.transcription import Pipeline
from edged.store import chunks, recordings, sessions
from edged.store.database import Store
from edged.store.engine import Connection

HERE = Path(__file__).parent
KEY = bytes(range(32))
ENGINES = {"fake": Engine(module="fake_listener", packages=())}
MANIFEST = """
id = "{name}"
task = "{task}"
engine = "fake"
description = "a fake"
license = "Apache-2.0"
memory_bytes = 1
window_ms = 10000
[parameters]
{parameters}
"""
CHUNK_MS = 2_000
Voices = Sequence[tuple[int, int]]
"""Voice (0: silence) and milliseconds, one after the other."""


@pytest.fixture(autouse=True)
def only_fakes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    monkeypatch.setattr(catalog, "shipped_folder", lambda: str(tmp_path / "none"))


def sound(voices: Voices) -> bytes:
    """PCM of voices that take turns."""
    return b"".join(array("h", [100 * voice]).tobytes() * (16 * ms) for voice, ms in voices)


def add_session(
    db: Connection,
    sources: Sequence[bytes],
    options: SessionsStart,
    *,
    missing: frozenset[int] = frozenset(),
    broken: frozenset[int] = frozenset(),
) -> str:
    """A session that was stopped: each source in chunks of 2 s, some of them missing or broken."""
    session = sessions.create(db, kind="live", options=options, name="talk")
    for pcm in sources:
        recording = recordings.add_source(db, session.id, source="client")
        size = CHUNK_MS * 32
        for number in range(-(-len(pcm) // size)):
            if number in missing:
                continue
            data = pcm[number * size : (number + 1) * size]
            chunks.add(
                db,
                recording.recording_id,
                number=number,
                start_ms=number * CHUNK_MS,
                duration_ms=len(data) // 32,
                codec="file" if number in broken else "pcm",
                data=b"no media" if number in broken else data,
                audio_format=None if number in broken else SPEECH,
            )
    sessions.move(db, session.id, to="processing")
    return session.id


def add_places(db: Connection, pcm: bytes, places: Sequence[int], options: SessionsStart) -> str:
    """A stopped session with the same sound at some moments, in ms; between them nothing came."""
    session = sessions.create(db, kind="live", options=options, name="talk")
    recording = recordings.add_source(db, session.id, source="client")
    for number, start_ms in enumerate(places):
        chunks.add(
            db,
            recording.recording_id,
            number=number,
            start_ms=start_ms,
            duration_ms=len(pcm) // 32,
            codec="pcm",
            data=pcm + bytes([number, 0]),
            audio_format=SPEECH,
        )
    sessions.move(db, session.id, to="processing")
    return session.id


def picture(db: Connection, session_id: str) -> str:
    """All that a session's work made, without ids and times of day: equal for equal results."""
    row = sessions.row_id(db, session_id)
    queries = {
        "segments": "SELECT r.id - (SELECT min(id) FROM recordings WHERE session = n.id), s.seq, "
        "s.start_ms, s.end_ms, s.text, s.raw, hex(s.words), p.label, s.overlap, s.emotion, "
        "s.emotion_confidence, t.status, t.current, t.segment_count, t.done_ms FROM sessions n "
        "JOIN recordings r ON r.session = n.id JOIN transcripts t ON t.recording = r.id "
        "JOIN segments s ON s.transcript = t.id LEFT JOIN speakers p ON p.id = s.speaker "
        "WHERE n.id = ? ORDER BY r.id, s.seq",
        "speakers": "SELECT p.label, p.sample_start_ms, p.sample_end_ms, f.segments, f.turns, "
        "f.words, f.low_words, f.talk_ms, f.overlap_ms FROM speakers p LEFT JOIN speaker_figures f "
        "ON f.speaker = p.id WHERE p.session = ? ORDER BY p.label",
        "words": "SELECT p.label, f.favourite, f.said FROM speakers p JOIN speaker_figures f "
        "ON f.speaker = p.id WHERE p.session = ? ORDER BY 1",
        "targets": "SELECT p.label, w.lexicon, w.category, w.word, w.count FROM speakers p "
        "JOIN speaker_targets w ON w.speaker = p.id WHERE p.session = ? ORDER BY 1, 2, 3, 4",
        "turns": "SELECT p.label, u.start_ms, u.end_ms FROM speakers p JOIN turns u "
        "ON u.speaker = p.id WHERE p.session = ? ORDER BY 1, 2",
        "session": "SELECT status, error_code, hex(skipped) FROM sessions WHERE id = ?",
        "left": "SELECT stage, part FROM stage_results WHERE session = ?",
    }
    found = {name: list(db.execute(query, (row,))) for name, query in queries.items()}
    return json.dumps(found, indent=1)


class Rig:
    """The parts of a daemon that the work after the end needs."""

    def __init__(self, store: Store, pool: Pool, decoders: Decoders, paths: Paths) -> None:
        self.store = store
        self.pool = pool
        self.decoders = decoders
        self.paths = paths
        self.bus = Bus()
        self.rebuild(store)

    def rebuild(self, store: Store) -> None:
        """As after a start of the daemon; workers are kept, to be quick."""
        config = Config()
        lexicons = Lexicons(self.paths.lexicons)
        self.pipeline = Pipeline(store, self.pool, self.decoders, config)
        self.afterwards = Afterwards(store, self.pool, self.decoders, self.pipeline, lexicons)
        self.work = Work(store, self.pipeline, self.afterwards, attempts=3)
        self.runner = Runner(store, self.work, self.bus, config.jobs)

    async def picture(self, session_id: str) -> str:
        return await self.store.read(lambda db: picture(db, session_id))

    async def until(self, condition: Callable[[Connection], Any], within_s: float = 15) -> Any:
        """Run the queue until something is true of the store."""
        task = asyncio.get_running_loop().create_task(self.runner.run())
        try:
            async with asyncio.timeout(within_s):
                while not (found := await self.store.read(condition)):
                    await asyncio.sleep(0.01)
                return found
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def finish(self, session_id: str, *, within_s: float = 15) -> str:
        """Queue a session's work and run until it is over; its status."""
        await self.work.submit_session(session_id)
        return await self.over(session_id, within_s=within_s)

    async def over(self, session_id: str, *, within_s: float = 15) -> str:
        """Run until a session is not processing any more; its status."""
        await self.until(
            lambda db: sessions.status(db, session_id) != "processing", within_s=within_s
        )
        return (await self.store.read(lambda db: sessions.get(db, session_id))).status


@contextlib.asynccontextmanager
async def rig_of(paths: Paths, tasks: dict[str, str]) -> AsyncIterator[Rig]:
    """A rig with a model for each of these tasks; the values are lines of its parameters."""
    paths.manifests.mkdir(parents=True, exist_ok=True)
    for task, parameters in tasks.items():
        name = f"fake-{task.replace('_', '-')}"
        text = MANIFEST.format(name=name, task=task, parameters=parameters)
        (paths.manifests / f"{name}.toml").write_text(text)
    store = Store.open(paths.database, KEY)
    pool = Pool(Config(), paths, engines=ENGINES)
    decoders = Decoders()
    try:
        yield Rig(store, pool, decoders, paths)
    finally:
        await decoders.close()
        await pool.close()
        store.close()


def run(paths: Paths, scenario: Callable[[Rig], Awaitable[object]], **tasks: str) -> None:
    """A scenario on a rig; by default with what a session needs, and with nothing for emotions."""
    paths.state.mkdir(parents=True, exist_ok=True)

    async def bounded() -> None:
        async with (
            asyncio.timeout(270),
            rig_of(paths, tasks or {"vad": "", "transcribe": "", "diarize": ""}) as rig,
        ):
            await scenario(rig)

    asyncio.run(bounded())
