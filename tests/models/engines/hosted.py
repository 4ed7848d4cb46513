"""An engine in a real worker: how these tests ask it, and where its models and clips lie."""

import contextlib
import os
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from edged.media import AudioChunk
from edged.models import manifest
from edged.models.files import ModelFiles
from edged.models.runtime import (
    ModelSpec,
    Parameter,
    Partial,
    Probabilities,
    StreamOptions,
    TranscribeOptions,
    Utterance,
    VadOptions,
)
from edged.workers.process import Worker, WorkerSpec

REPOSITORY = Path(__file__).resolve().parents[3]
DATA = REPOSITORY / "tests" / "data"
DEADLINE_S = 15.0


def asset(name: str) -> Path:
    """A recording or model that is too large for the repository; skips the test without it."""
    folder = os.environ.get("EDGED_TEST_ASSETS", REPOSITORY.parent / "shared" / "assets")
    path = Path(folder) / name
    if not path.exists():
        pytest.skip(f"EDGED_TEST_ASSETS holds no {name}")
    return path


def shipped(model_id: str, home: Path) -> ModelSpec:
    """The spec of one of our manifests, with its files found and verified."""
    found = manifest.read(REPOSITORY / "model_manifests" / f"{model_id}.toml")
    return ModelSpec(
        id=found.id,
        task=found.task,
        engine=found.engine,
        files=ModelFiles(home / "models", home / "cache").verified(found),
        parameters=found.parameters,
        languages=found.languages,
        canary=found.canary,
    )


def spec_for(
    engine: str,
    files: dict[str, str],
    *,
    languages: tuple[str, ...] = ("en",),
    parameters: dict[str, Parameter] | None = None,
    task: str = "infer",
) -> ModelSpec:
    """A spec without a manifest."""
    return ModelSpec(
        id="tested",
        task=task,
        engine=engine,
        files=files,
        languages=languages,
        parameters=parameters or {},
    )


def folder_files(folder: Path) -> dict[str, str]:
    """All files of a folder by their names."""
    return {path.name: str(path) for path in folder.iterdir() if path.is_file()}


def clip(path: Path) -> AudioChunk:
    """A wav file in the format of speech as one chunk."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        return AudioChunk(data=file.readframes(file.getnframes()))


def sentences(folder: Path) -> dict[str, str]:
    """What is said in the clips of a folder."""
    lines = (folder / "list.txt").read_text().splitlines()
    return dict(line.split("|") for line in lines)


@contextlib.asynccontextmanager
async def hosted(
    spec: ModelSpec, argument: bytes | None = None, *, programs: tuple[str, ...] = ()
) -> AsyncIterator[Worker]:
    """A worker that has loaded a model, and is ended afterwards; programs: that it may start."""
    worker = await Worker.spawn(
        WorkerSpec(
            name=spec.id,
            module=f"edged.models.engines.{spec.engine}",
            argument=msgspec.msgpack.encode(spec) if argument is None else argument,
            read_paths=tuple({os.path.dirname(path) for path in spec.files.values()}),
            programs=programs,
        ),
        load_deadline_s=DEADLINE_S,
    )
    try:
        yield worker
    finally:
        await worker.end(grace_s=0)


async def canary(worker: Worker) -> str:
    return (await worker.call("canary", deadline_s=DEADLINE_S)).to(str)


async def detect(worker: Worker, data: bytes, *, stream: str = "", final: bool = False) -> bytes:
    """Silero's probabilities, as bytes of float32."""
    options = VadOptions(stream=stream, final=final)
    answer = await worker.call("detect", AudioChunk(data=data), options, deadline_s=DEADLINE_S)
    return answer.to(Probabilities).data


async def transcribe(
    worker: Worker,
    audio: AudioChunk,
    options: TranscribeOptions | None = None,
    *,
    priority: int = 0,
) -> list[Utterance]:
    calls = worker.stream(
        "transcribe",
        audio,
        options or TranscribeOptions(),
        deadline_s=DEADLINE_S,
        priority=priority,
    )
    return [answer.to(Utterance) async for answer in calls]


async def feed(worker: Worker, data: bytes, stream: str, *, final: bool = False) -> Partial:
    options = StreamOptions(stream=stream, final=final)
    answer = await worker.call("feed", AudioChunk(data=data), options, deadline_s=DEADLINE_S)
    return answer.to(Partial)


def assert_words_are_in_order(utterances: list[Utterance], audio: AudioChunk) -> None:
    """Every word lies in the chunk, has a length, and begins no sooner than the one before."""
    words = [word for utterance in utterances for word in utterance.words]
    starts = [word.start_s for word in words]
    assert words
    assert starts == sorted(starts)
    assert all(0 <= word.start_s <= word.end_s <= audio.samples / 16_000 for word in words)
    assert all(0 <= word.confidence <= 1 for word in words)
