"""The same engines and the same pure functions, called in this process: what edged is held against."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import msgspec

from edged.capture.decoder import Decoder
from edged.capture.parts import DecodedPart, DecodeOptions
from edged.config import Config, Defaults, Paths, find_paths
from edged.media import AudioChunk
from edged.models.engines.pocketsphinx import PocketSphinx
from edged.models.engines.pocketsphinx import load as load_pocketsphinx
from edged.models.engines.silero import Silero
from edged.models.engines.silero import load as load_silero
from edged.models.files import ModelFiles
from edged.models.pool import Pool
from edged.models.runtime import ModelSpec, TranscribeOptions, VadOptions
from edged.pipeline.plan import Plan, choose
from edged.pipeline.tape import Tape
from edged.speech.segmenter import Segmenter
from edged.speech.windows import Packer
from edged.workers.context import WorkerContext


def _alone() -> bool:
    return False


@cache
def paths() -> Paths:
    """A home with nothing in it, for pools and models of this process."""
    return find_paths({"EDGED_HOME": mkdtemp(prefix="edged-bench-own-")})


def pool() -> Pool:
    """A pool in this process; it must be closed."""
    return Pool(Config(), paths())


def spec(model: str) -> bytes:
    """What a worker would be given to load a model."""
    found = pool().manifest(model)
    return msgspec.msgpack.encode(
        ModelSpec(
            id=found.id,
            task=found.task,
            engine=found.engine,
            files=ModelFiles(paths().models, paths().cache).verified(found),
            parameters=found.parameters,
            threads=found.threads,
            languages=found.languages,
        )
    )


@cache
def silero() -> Silero:
    """Voice activity, loaded here."""
    return load_silero(spec("silero-v6"), WorkerContext(call_waiting=_alone))


@cache
def pocketsphinx() -> PocketSphinx:
    """The recogniser, loaded here."""
    return load_pocketsphinx(spec("pocketsphinx-en-us"), WorkerContext(call_waiting=_alone))


def plan() -> Plan:
    """How the daemon would transcribe with PocketSphinx."""
    return choose(pool(), Defaults(), model="pocketsphinx-en-us", language="en")


@contextmanager
def decoded(path: Path) -> Iterator[Iterator[DecodedPart]]:
    """A file in parts, decoded here."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    context = WorkerContext(call_waiting=_alone, descriptors=lambda: (fd,))
    try:
        yield Decoder(context).decode(DecodeOptions())
    finally:
        os.close(fd)


def windows(path: Path) -> list[AudioChunk]:
    """The windows that the pipeline gives to PocketSphinx for a file."""
    how = plan()
    segmenter, tape = Segmenter(how.segmenter), Tape()
    packer = Packer(how.window_ms, packs=how.packs)
    cut = []
    with decoded(path) as parts:
        for part in parts:
            tape.append(part.audio)
            options = VadOptions(stream="file", final=part.final)
            found = silero().detect(part.audio, options).data
            spans = segmenter.feed_many(found[: len(part.rms)], part.rms[: len(found)])
            cut += packer.add(spans)
    cut += packer.add(segmenter.finish()) + packer.finish()
    return [tape.cut(window.start_ms, window.end_ms) for window in cut]


def transcribe(audio: AudioChunk) -> list[str]:
    """What PocketSphinx hears in a window."""
    options = TranscribeOptions(language="en")
    return [one.text for one in pocketsphinx().transcribe(audio, options)]
