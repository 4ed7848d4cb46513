"""One recording on its way through the diarizer, part by part; 12 MB are kept of each hour."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from edged.speech.diarization.borders import (
    Piece,
    Speech,
    better_pieces,
    first_pieces,
    voices_of,
)
from edged.speech.diarization.cepstra import COEFFICIENTS, FRAME_MS, Cepstra, Float
from edged.speech.diarization.clusters import agglomerate
from edged.speech.diarization.gaussians import DeltaBic

DROP_DB = 25.0
"""A frame that is quieter than its utterance by more is breath or room and says nothing of a voice."""

PAUSE_FRAMES = 15
"""A shorter hole between loud frames is a consonant."""

RUN_FRAMES = 10
"""A shorter run is a click."""

CHANGE_WEIGHT = 0.7
FIRST_WEIGHT = 0.9
CLUSTER_WEIGHT = 1.2
"""Of the penalty of delta-BIC: for changes, the first clusters, and those with better borders.

At first too many speakers are better than too few: two that are mixed do not come apart again.
Measured: as COEFFICIENTS of cepstra.
"""

ROUNDS = 4
"""How often borders are found anew and speakers merged."""

BRIDGED_MS = 300
"""A shorter pause of one speaker is part of the turn."""

SILENT_DB = -60.0
STEADY_DB = 10.0
"""Without spans of speech: what is never louder, or never louder than itself by more, is none."""

_PRIOR_FLOOR = 1e-3


class Heard(Struct, frozen=True):
    """One turn; milliseconds from the recording's start; speakers count from 0 by first words."""

    start_ms: int
    end_ms: int
    speaker: int


class Recording:
    """Takes audio and spans of speech in order, gives turns at the end."""

    def __init__(self) -> None:
        self._front = Cepstra()
        self._cepstra: list[npt.NDArray[np.float16]] = []
        self._loudness: list[npt.NDArray[np.float16]] = []
        self._spans: list[tuple[int, int]] = []

    def feed(self, samples: npt.NDArray[np.float32], spans: Sequence[tuple[int, int]] = ()) -> None:
        """Add a part.

        Args:
            samples: mono in [-1, 1], shape (n,), 16 kHz.
            spans: stretches of speech in milliseconds from the recording's start, each once.
        """
        cepstra, loudness = self._front.feed(samples)
        self._cepstra.append(cepstra.astype(np.float16))
        self._loudness.append(loudness.astype(np.float16))
        self._spans += spans

    def turns(self, speakers: int = 0) -> list[Heard]:
        """Who speaks when, in order; nothing can be fed afterwards.

        Args:
            speakers: how many there are; 0: nobody knows. Fewer are found where fewer voices are.
        """
        speech = self._speech()
        if not speech.runs:
            return []
        variances = _variances(speech)
        criterion = DeltaBic(variances, CLUSTER_WEIGHT)
        pieces = first_pieces(speech, DeltaBic(variances, CHANGE_WEIGHT))
        if not pieces:
            return []
        pieces = _labelled(pieces, speech, DeltaBic(variances, FIRST_WEIGHT), speakers)
        for _ in range(ROUNDS):
            groups = np.array([piece.speaker for piece in pieces])
            voices = voices_of(speech.sums(pieces).grouped(groups), criterion)
            pieces = _merged(better_pieces(speech, voices), speech, criterion, speakers)
        return _heard(pieces)

    def _speech(self) -> Speech:
        loudness = _drained(self._loudness, ()).astype(np.float32)
        cepstra = _drained(self._cepstra, (COEFFICIENTS,))
        loud = np.zeros(len(loudness), np.bool_)
        for start, end in self._spans or _own_spans(loudness):
            part = loudness[start // FRAME_MS : end // FRAME_MS]
            if len(part):
                floor = max(float(np.percentile(part, 95)) - DROP_DB, SILENT_DB)
                loud[start // FRAME_MS : end // FRAME_MS] = part > floor
        return Speech(cepstra, loud, _runs(loud))


def _drained(
    parts: list[npt.NDArray[np.float16]], shape: tuple[int, ...]
) -> npt.NDArray[np.float16]:
    """The parts in one array; each is given free as soon as it is copied."""
    whole = np.empty((sum(map(len, parts)), *shape), np.float16)
    at = len(whole)
    while parts:
        part = parts.pop()
        whole[at - len(part) : at] = part
        at -= len(part)
    return whole


def _own_spans(loudness: npt.NDArray[np.float32]) -> list[tuple[int, int]]:
    """All of it where it has loud and quiet frames as speech has, in stretches of 10 s."""
    if not len(loudness):
        return []
    low, high = np.percentile(loudness, [10, 95])
    if high < SILENT_DB or high - low < STEADY_DB:
        return []
    loud = loudness > max(float(low) + STEADY_DB / 2, float(high) - DROP_DB)
    return [(start * FRAME_MS, end * FRAME_MS) for start, end in _runs(loud)]


def _runs(loud: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Stretches of loud frames, short holes filled, short stretches left out."""
    frames = np.flatnonzero(loud)
    if not len(frames):
        return []
    cuts = np.flatnonzero(np.diff(frames) > PAUSE_FRAMES)
    starts = frames[np.concatenate([[0], cuts + 1])]
    ends = frames[np.concatenate([cuts, [len(frames) - 1]])] + 1
    pairs = zip(starts.tolist(), ends.tolist(), strict=True)
    return [(start, end) for start, end in pairs if end - start >= RUN_FRAMES]


def _variances(speech: Speech) -> Float:
    """Of all speech, shape (d,); summed by run, so that no copy of all is made."""
    count, firsts, seconds = 0, np.zeros(COEFFICIENTS), np.zeros(COEFFICIENTS)
    for start, end in speech.runs:
        voice = speech.voice(start, end)
        count += len(voice)
        firsts += voice.sum(axis=0)
        seconds += np.square(voice).sum(axis=0)
    return np.maximum(seconds / count - np.square(firsts / count), _PRIOR_FLOOR)


def _labelled(
    pieces: Sequence[Piece], speech: Speech, criterion: DeltaBic, speakers: int
) -> list[Piece]:
    labels = agglomerate(speech.sums(pieces), criterion, speakers)
    return [
        Piece(piece.start, piece.end, int(label))
        for piece, label in zip(pieces, labels, strict=True)
    ]


def _merged(
    pieces: Sequence[Piece], speech: Speech, criterion: DeltaBic, speakers: int
) -> list[Piece]:
    """The pieces after speakers were merged who, with the better borders, are one voice."""
    labels = np.unique([piece.speaker for piece in pieces], return_inverse=True)[1]
    left = agglomerate(speech.sums(pieces).grouped(labels), criterion, speakers)
    return [
        Piece(piece.start, piece.end, int(left[label]))
        for piece, label in zip(pieces, labels, strict=True)
    ]


def _heard(pieces: Sequence[Piece]) -> list[Heard]:
    """Turns with speakers numbered by their first words, short pauses bridged."""
    numbers: dict[int, int] = {}
    turns: list[Heard] = []
    for piece in pieces:
        speaker = numbers.setdefault(piece.speaker, len(numbers))
        start_ms, end_ms = piece.start * FRAME_MS, piece.end * FRAME_MS
        last = turns[-1] if turns else None
        if last and last.speaker == speaker and start_ms - last.end_ms < BRIDGED_MS:
            turns[-1] = Heard(last.start_ms, end_ms, speaker)
        else:
            turns.append(Heard(start_ms, end_ms, speaker))
    return turns
