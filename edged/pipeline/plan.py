"""Decides which models transcribe, and names the decision so that the same work is done once."""

import hashlib

import msgspec
from msgspec import Struct

from edged.config import Defaults
from edged.errors import EngineMissing, ModelMissing, Unsupported
from edged.models.manifest import Manifest
from edged.models.pool import Pool
from edged.speech.segmenter import SegmenterOptions

REVISION = 1
"""Raised when the same models would give another transcript (segmenting, packing, word times)."""

LONGEST_UTTERANCE_MS = 10_000
"""Interactive work overtakes at the borders of utterances, so none is longer."""


class Plan(Struct, frozen=True, kw_only=True):
    """How a recording is transcribed; two equal plans give the same transcript.

    language: what was asked for; None lets the model detect or assume it.
    window_ms, packs: what the model takes at once (its manifest).
    """

    vad: str
    model: str
    language: str | None
    words: bool
    segmenter: SegmenterOptions
    window_ms: int
    packs: bool
    files: tuple[str, ...]
    revision: int = REVISION

    @property
    def fingerprint(self) -> str:
        """A hash over everything that shapes the transcript."""
        return hashlib.sha256(msgspec.msgpack.encode(self)).hexdigest()[:32]


def choose(
    pool: Pool,
    defaults: Defaults,
    *,
    model: str | None = None,
    language: str | None = None,
    words: bool = True,
) -> Plan:
    """The plan for a request; what it leaves open, the settings decide, then the best that fits.

    Raises:
        ModelMissing: no such model, or nothing installed can do it.
        EngineMissing: the model's engine is not installed.
        Unsupported: the model does not know the language.
    """
    language = language or defaults.language or None
    recogniser = pool.manifest(model) if model else of_task(pool, "transcribe", language=language)
    _check(recogniser, language)
    detector = of_task(pool, "vad")
    return Plan(
        vad=detector.id,
        model=recogniser.id,
        language=language,
        words=words,
        segmenter=SegmenterOptions(max_ms=min(recogniser.window_ms, LONGEST_UTTERANCE_MS)),
        window_ms=recogniser.window_ms,
        packs=recogniser.packs,
        files=tuple(file.sha256 for file in (*detector.files, *recogniser.files)),
    )


def _check(manifest: Manifest, language: str | None) -> None:
    if manifest.task != "transcribe":
        raise Unsupported(f"{manifest.id} does not transcribe", model=manifest.id)
    check_knows(manifest, language)


def check_knows(manifest: Manifest, language: str | None) -> None:
    """Refuse a model that does not know a language.

    Raises:
        Unsupported: with the languages that it knows.
    """
    if language and manifest.languages and language.split("-")[0] not in manifest.languages:
        raise Unsupported(
            f"{manifest.id} does not know the language {language}",
            fix=f"it knows: {' '.join(manifest.languages)}",
        )


def of_task(pool: Pool, task: str, *, language: str | None = None) -> Manifest:
    """The model that answers when a request names none.

    Raises:
        EngineMissing: no engine for it is installed.
        ModelMissing: no model that is here can do it.
        Unsupported: none knows the language.
    """
    model, reason = pool.default(task, language=language)
    if model is not None:
        return pool.manifest(model)
    if language is not None and pool.default(task)[0] is not None:
        raise Unsupported(f"no model that is here knows the language {language}")
    problems = {one.problem.code: one.problem for one in pool.summaries(task) if one.problem}
    if missing := problems.get(EngineMissing.code):
        raise EngineMissing(f"nothing that is installed can do {task}", fix=missing.fix)
    raise ModelMissing(f"no model for {task}: {reason}")
