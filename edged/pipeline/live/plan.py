"""Decides which models give live captions, and when a live utterance ends."""

import hashlib

import msgspec
from msgspec import Struct

from edged.config import Defaults
from edged.errors import EdgedError
from edged.models.manifest import Manifest
from edged.models.pool import Pool
from edged.pipeline.plan import check_knows, choose, of_task
from edged.speech.segmenter import SegmenterOptions

LIVE_SILENCE_MS = 224
"""So much silence ends a live utterance: a caption is wanted soon. The work after the end hears
everything again and waits twice as long, which gives better sentences.

Measured (2026-11, Silero on the demo's conversation in parts of 40 ms, in time of the audio): with
256 ms an end is guessed 120 ms after the last speech (p95 160) and known after 280 ms (p95 320);
224 ms take 32 off. Fewer divide more sentences."""

LIVE_PADDING_MS = 96
"""After so much silence the utterance is recognised, on the guess that it is over."""

STREAMING_SILENCE_MS = 192
"""Of a streaming model: it heard most of the utterance while it was spoken."""

STREAMING_UTTERANCE_MS = 60_000
"""A streaming model needs no cuts; its own end of an utterance comes sooner."""


class LivePlan(Struct, frozen=True, kw_only=True):
    """How captions are made: by a streaming model, or utterance by utterance.

    yields: a call of the model gives way to a more urgent one, so that partial texts cost nobody.
    files: hashes of what the models are made of.
    """

    vad: str
    model: str
    streaming: bool
    language: str | None
    words: bool
    yields: bool
    segmenter: SegmenterOptions
    files: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """Names the live transcript of a recording; never the same as that of a whole pass."""
        return f"live {hashlib.sha256(msgspec.msgpack.encode(self)).hexdigest()[:32]}"


def choose_live(
    pool: Pool,
    defaults: Defaults,
    *,
    model: str | None = None,
    language: str | None = None,
    words: bool = True,
) -> LivePlan:
    """The plan for live captions: a streaming model when one can run here, else utterance-wise.

    Args:
        pool: knows the models.
        defaults: the configured ones.
        model: a model for `stream_transcribe` or `transcribe`; None: the best that there is.
        language: None takes the configured one, or lets the model find out.
        words: with the times of words, where the model gives them.

    Raises:
        ModelMissing: no such model, or nothing installed can do it.
        EngineMissing: the model's engine is not installed.
        Unsupported: the model does not know the language, or does not transcribe.
    """
    language = language or defaults.language or None
    found = pool.manifest(model) if model else _streaming(pool, language)
    if found is not None and found.task == "stream_transcribe":
        check_knows(found, language)
        return _plan(pool, found, language, words=words, longest_ms=STREAMING_UTTERANCE_MS)
    plan = choose(pool, defaults, model=model, language=language, words=words)
    longest_ms = plan.segmenter.max_ms
    return _plan(pool, pool.manifest(plan.model), language, words=words, longest_ms=longest_ms)


def _streaming(pool: Pool, language: str | None) -> Manifest | None:
    try:
        return of_task(pool, "stream_transcribe", language=language)
    except EdgedError:
        return None


def _plan(
    pool: Pool, recogniser: Manifest, language: str | None, *, words: bool, longest_ms: int
) -> LivePlan:
    detector = of_task(pool, "vad")
    streaming = recogniser.task == "stream_transcribe"
    return LivePlan(
        vad=detector.id,
        model=recogniser.id,
        streaming=streaming,
        language=language,
        words=words,
        yields=recogniser.yields,
        segmenter=SegmenterOptions(
            min_silence_ms=STREAMING_SILENCE_MS if streaming else LIVE_SILENCE_MS,
            padding_ms=LIVE_PADDING_MS,
            max_ms=longest_ms,
        ),
        files=tuple(file.sha256 for file in (*detector.files, *recogniser.files)),
    )
