"""`demo`: the whole way on a throw-away home, with a conversation that two synthetic voices have."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edged.bridge.link import SyncClient
from edged.cli import connect, render
from edged.cli.connect import Settings
from edged.cli.models.memory import print_loaded
from edged.cli.transcribe import print_transcript
from edged.config import find_paths
from edged.errors import DaemonDown, EdgedError, EngineMissing, Internal
from edged.messages import replies, requests
from edged.messages.events import JobChanged, JobProgress
from edged.messages.records import LoadedModel, Recording, Segment

ASSETS = Path(__file__).parent / "assets"
CONVERSATION = ASSETS / "conversation.opus"
PHRASE = "kitchen table"
KEEP_ALIVE_MS = 3_000
WITHIN_S = 120.0


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this family's commands."""
    text = "show the whole way on a temporary home: watch, transcribe, search, encrypt, unload"
    command = commands.add_parser("demo", parents=[shared], help=text, description=text)
    command.set_defaults(run=demo)


def demo(settings: Settings, _: argparse.Namespace) -> None:
    """Run every step; the home is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="edged-demo-"))
    try:
        with _daemon(folder) as paths, SyncClient(paths.endpoint) as daemon:
            findings = _Demo(daemon, folder, settings).run()
        if settings.json:
            render.as_json(findings)
        else:
            print("\nThe daemon has stopped and the temporary home is removed. That was all.")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _daemon(folder: Path) -> Iterator[Any]:
    """A daemon on a home of its own, stopped in order at the end."""
    environ = {
        "EDGED_HOME": str(folder / "home"),
        "EDGED_WORKERS_KEEP_ALIVE_MS": str(KEEP_ALIVE_MS),
    }
    before = {name: os.environ.get(name) for name in environ}
    os.environ.update(environ)
    paths = find_paths()
    process = connect.start(paths)
    try:
        yield paths
    finally:
        with SyncClient(paths.endpoint) as daemon:
            daemon.ask(requests.Shutdown(), replies.Done)
        process.wait(WITHIN_S)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


class _Demo:
    """The steps, in order; each prints what it shows."""

    def __init__(self, daemon: SyncClient, folder: Path, settings: Settings) -> None:
        self._daemon = daemon
        self._folder = folder
        self._quiet = settings.json
        self._step = 0

    def run(self) -> dict[str, object]:
        """Every step; what was found.

        Raises:
            EngineMissing: the speech extra is not installed.
        """
        self._check()
        recording = self._watch()
        segments, end = self._transcript(recording)
        hits = self._search()
        plain = self._unreadable(segments)
        before = self._in_memory("The models that did it are still in memory")
        after = self._unloaded(before)
        return {
            "recording_id": recording.recording_id,
            "segments": len(segments),
            "model": end.model,
            "hits": len(hits),
            "plaintext_words_in_files": plain,
            "model_bytes_before": sum(model.pss_bytes for model in before),
            "model_bytes_after": sum(model.pss_bytes for model in after),
        }

    def _title(self, text: str) -> None:
        self._step += 1
        if not self._quiet:
            from rich.console import Console
            from rich.text import Text

            Console(highlight=False).print(Text(f"\n{self._step}. {text}", style="bold"))

    def _check(self) -> None:
        """Say at once that nothing can recognise speech: a watched folder would only wait."""
        tasks = self._daemon.ask(requests.Describe(), replies.Description).tasks
        if not tasks["transcribe"].models:
            raise EngineMissing(
                "the demo needs an engine that recognises speech", fix="pip install 'edged[speech]'"
            )

    def _watch(self) -> Recording:
        """Drop the conversation into a watched folder and wait for its transcript."""
        self._title("A conversation falls into a watched folder")
        inbox = self._folder / "inbox"
        inbox.mkdir()
        self._daemon.ask(requests.WatchAdd(path=str(inbox)), replies.Folders)
        shutil.copy(CONVERSATION, inbox)
        events = self._daemon.stream(requests.Subscribe(events=("job.",), after_event_seq=0))
        recording_id = self._follow(events)
        request = requests.RecordingsGet(recording_id=recording_id)
        return self._daemon.ask(request, replies.OneRecording).recording

    def _follow(self, events: Iterator[tuple[Any, Any]]) -> str:
        """Draw the job's progress until it is done; returns the recording's id."""
        from rich.console import Console

        from edged.cli.bars import Bar

        console = Console(quiet=self._quiet, highlight=False)
        with Bar(console=console) as bar:
            for reply, _ in events:
                body = getattr(reply, "body", None)
                if isinstance(body, JobProgress):
                    bar.progress(replies.Progress(stage=body.stage, fraction=body.progress))
                elif isinstance(body, JobChanged) and body.job.state in ("done", "failed"):
                    if body.job.error is not None or body.job.recording_id is None:
                        raise Internal("the demo's job failed")
                    return body.job.recording_id
        raise DaemonDown("the daemon ended before the demo")

    def _transcript(self, recording: Recording) -> tuple[list[Segment], replies.Transcribed]:
        self._title("What was said, with the time of every word")
        request = requests.SegmentsList(recording_id=recording.recording_id)
        segments = list(self._daemon.ask(request, replies.Segments).segments)
        end = replies.Transcribed(
            recording_id=recording.recording_id,
            model=recording.model,
            language=recording.language,
            language_source=recording.language_source,
            audio_ms=recording.audio_ms,
            compute_ms=recording.compute_ms,
            segment_count=recording.segment_count,
        )
        if not self._quiet:
            print_transcript(segments, end, words=True)
        return segments, end

    def _search(self) -> tuple[Any, ...]:
        self._title(f'Full-text search for "{PHRASE}"')
        hits = self._daemon.ask(requests.TranscriptsSearch(query=PHRASE), replies.Hits).hits
        if not hits:
            raise Internal("the demo's phrase was not found")
        if not self._quiet:
            rows = [[hit.name, render.clock(hit.start_ms), hit.snippet] for hit in hits]
            render.table("", ["recording", ">at", "text"], rows)
        return hits

    def _unreadable(self, segments: list[Segment]) -> int:
        """Look for the transcript in the store's files, and open a copy without the key."""
        self._title("The database cannot be read without its key")
        state = find_paths().state
        words = {word for one in segments for word in one.text.split() if len(word) > 4}  # noqa: PLR2004
        found = 0
        for file in sorted(state.glob("edged.db*")):
            data = file.read_bytes()
            found += sum(word.encode() in data for word in words)
        database = find_paths().database
        if not self._quiet:
            print(f"{database.name} begins with {database.read_bytes()[:16].hex(' ')}")
            print(f"opened without the key: {_without_key(database, self._folder)}")
            print(f"{len(words)} words of the transcript looked for in it: {found} found")
        if found:
            raise Internal("plain text was found in the store")
        return found

    def _in_memory(self, title: str) -> tuple[LoadedModel, ...]:
        self._title(title + " (edged models ps)")
        models = self._daemon.ask(requests.ModelsPs(), replies.LoadedModels).models
        if not self._quiet:
            print_loaded(models)
        return models

    def _unloaded(self, before: tuple[LoadedModel, ...]) -> tuple[LoadedModel, ...]:
        """Wait for the idle unload, and show that the processes are gone."""
        deadline = time.monotonic() + WITHIN_S
        while self._daemon.ask(requests.ModelsPs(), replies.LoadedModels).models:
            if time.monotonic() > deadline:
                raise Internal("the idle models were not unloaded")
            time.sleep(0.1)
        after = self._in_memory(f"After {KEEP_ALIVE_MS // 1000} s without work")
        alive = [model.pid for model in before if os.path.exists(f"/proc/{model.pid}")]
        if alive:
            raise Internal("a worker outlived its unload")
        if not self._quiet:
            freed = render.size(sum(model.pss_bytes for model in before))
            count = f"{len(before)} process{'' if len(before) == 1 else 'es'}"
            print(f"{freed} went back to the system with {count}")
        return after


def _without_key(database: Path, folder: Path) -> str:
    """What SQLite says to a copy of the file when no key is given."""
    copy = folder / "copy.db"
    shutil.copy(database, copy)
    code = (
        "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('select * from sqlite_schema')"
    )
    command = [sys.executable, "-c", code, str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        raise EdgedError("the store was opened without its key")
    return done.stderr.strip().splitlines()[-1].removeprefix("sqlite3.")
