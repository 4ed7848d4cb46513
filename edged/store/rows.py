"""How columns become records, where several aggregates read the same ones."""

import msgspec
from msgspec import Struct

from edged.messages.records import Problem, Segment, Word

SEGMENT_COLUMNS = (
    "s.seq, s.start_ms, s.end_ms, s.text, s.confidence, s.words, s.raw, "
    "(SELECT label FROM speakers WHERE id = s.speaker), "
    "(SELECT speaker_id FROM speakers WHERE id = s.speaker), "
    "s.overlap, s.emotion, s.emotion_confidence"
)


class _PackedWord(Struct, frozen=True, array_like=True):
    """A word without its field names: a third of the size."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[_PackedWord, ...]).decode


def pack_words(words: tuple[Word, ...]) -> bytes | None:
    """Words as a column; None for none."""
    if not words:
        return None
    return _encode([(w.text, w.start_ms, w.end_ms, w.confidence) for w in words])


def to_segment(row: list[object]) -> Segment:
    """The columns of SEGMENT_COLUMNS as a segment."""
    facts = dict(zip(_SEGMENT_FIELDS, row, strict=True))
    facts["words"] = _unpack_words(facts["words"])
    facts["overlap"] = bool(facts["overlap"])
    known = {name: value for name, value in facts.items() if value is not None}
    return msgspec.convert(known, Segment)


_SEGMENT_FIELDS = (
    "seq",
    "start_ms",
    "end_ms",
    "text",
    "confidence",
    "words",
    "raw",
    "speaker",
    "speaker_id",
    "overlap",
    "emotion",
    "emotion_confidence",
)


def _unpack_words(blob: object) -> tuple[Word, ...]:
    if not isinstance(blob, bytes):
        return ()
    return tuple(
        Word(text=w.text, start_ms=w.start_ms, end_ms=w.end_ms, confidence=w.confidence)
        for w in _decode(blob)
    )


def confidences(blob: bytes | None) -> list[float]:
    """How sure each word of a column is, in order; none for none."""
    return [word.confidence for word in _decode(blob)] if blob else []


def to_problem(code: str | None, message: str | None, fix: str | None) -> Problem | None:
    """The three error columns as a problem; None when there is none."""
    if code is None:
        return None
    return Problem(code=code, message=message or "", fix=fix or "")


def problem_columns(problem: Problem | None) -> tuple[str | None, str | None, str | None]:
    """A problem as the three error columns."""
    if problem is None:
        return (None, None, None)
    return (problem.code, problem.message, problem.fix)
