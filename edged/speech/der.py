"""Scores diarization against a reference, and reads references from RTTM.

Diarization error rate: the time in which somebody is missed, somebody is invented, or one is taken
for another, over the time spoken in the reference; a second with two speakers counts twice.
Speakers are matched one to one so that the rate is least.
Source: NIST, The 2009 Rich Transcription Meeting Recognition Evaluation Plan, section 6 and
appendix A (RTTM).
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from edged.errors import BadMedia

COLLAR_MS = 250
"""Around each edge of a reference turn nothing is scored when the collar is asked for."""

_RTTM_FIELDS = 8
_UNREACHED = float("inf")


class LabelledTurn(Struct, frozen=True):
    """One stretch of one speaker; milliseconds from the audio's start."""

    start_ms: int
    end_ms: int
    speaker: str


class Score(Struct, frozen=True, kw_only=True):
    """Milliseconds of each kind of error, and of speech in the reference."""

    missed_ms: int
    invented_ms: int
    confused_ms: int
    spoken_ms: int

    @property
    def rate(self) -> float:
        """The diarization error rate; 0 when nothing is spoken and nothing invented."""
        wrong = self.missed_ms + self.invented_ms + self.confused_ms
        return wrong / self.spoken_ms if self.spoken_ms else float(wrong > 0)


def read_rttm(text: str) -> list[LabelledTurn]:
    """The turns of the SPEAKER lines of an RTTM text, in order of their start.

    Raises:
        BadMedia: a line is of another form; the message has its number.
    """
    lines = enumerate(text.splitlines(), 1)
    turns = [_turn(number, line) for number, line in lines if line.startswith("SPEAKER")]
    return sorted(turns, key=lambda turn: (turn.start_ms, turn.end_ms))


def _turn(number: int, line: str) -> LabelledTurn:
    fields = line.split()
    if len(fields) < _RTTM_FIELDS:
        raise BadMedia(f"line {number} of the RTTM has {len(fields)} fields")
    try:
        start_s, length_s = float(fields[3]), float(fields[4])
    except ValueError as error:
        raise BadMedia(f"line {number} of the RTTM has no times") from error
    return LabelledTurn(round(start_s * 1000), round((start_s + length_s) * 1000), fields[7])


def score(
    reference: Sequence[LabelledTurn], found: Sequence[LabelledTurn], *, collar_ms: int = 0
) -> Score:
    """How well the found turns agree with the reference; neither has to be in order."""
    pieces = list(_pieces(reference, found, collar_ms))
    shared: dict[tuple[str, str], int] = {}
    for piece in pieces:
        for pair in ((one, other) for one in piece.reference for other in piece.found):
            shared[pair] = shared.get(pair, 0) + piece.length_ms
    matched = sum(shared[pair] for pair in _matched(shared))
    spoken = sum(len(piece.reference) * piece.length_ms for piece in pieces)
    both = sum(min(len(piece.reference), len(piece.found)) * piece.length_ms for piece in pieces)
    heard = sum(len(piece.found) * piece.length_ms for piece in pieces)
    return Score(
        missed_ms=spoken - both,
        invented_ms=heard - both,
        confused_ms=both - matched,
        spoken_ms=spoken,
    )


class _Piece(Struct, frozen=True):
    """A stretch in which the same speakers are heard from its start to its end."""

    length_ms: int
    reference: frozenset[str]
    found: frozenset[str]


def _pieces(
    reference: Sequence[LabelledTurn], found: Sequence[LabelledTurn], collar_ms: int
) -> Iterator[_Piece]:
    edges = [edge for turn in reference for edge in (turn.start_ms, turn.end_ms)]
    collars = [LabelledTurn(edge - collar_ms, edge + collar_ms, "") for edge in edges if collar_ms]
    changes = sorted(
        (at_ms, step, kind, turn.speaker)
        for kind, turns in enumerate((reference, found, collars))
        for turn in turns
        if turn.end_ms > turn.start_ms
        for at_ms, step in ((turn.start_ms, 1), (turn.end_ms, -1))
    )
    heard: tuple[dict[str, int], ...] = ({}, {}, {})
    for (at_ms, step, kind, speaker), (next_ms, *_) in pairwise([*changes, (0, 0, 0, "")]):
        heard[kind][speaker] = heard[kind].get(speaker, 0) + step
        now = [frozenset(who for who, open_turns in one.items() if open_turns) for one in heard]
        if next_ms > at_ms and (now[0] or now[1]) and not now[2]:
            yield _Piece(next_ms - at_ms, now[0], now[1])


def _matched(shared: dict[tuple[str, str], int]) -> Iterable[tuple[str, str]]:
    """The pairs, each speaker in one at most, that share the most time."""
    rows = sorted({one for one, _ in shared})
    columns = sorted({other for _, other in shared})
    if len(rows) > len(columns):
        turned = {(other, one): length for (one, other), length in shared.items()}
        return [(one, other) for other, one in _matched(turned)]
    costs = [[-float(shared.get((one, other), 0)) for other in columns] for one in rows]
    pairs = [(rows[row], columns[column]) for row, column in enumerate(_cheapest(costs))]
    return [pair for pair in pairs if pair in shared]


def _cheapest(costs: Sequence[Sequence[float]]) -> list[int]:
    """A column for each row, all different, with the least sum; no more rows than columns.

    The Hungarian method with potentials.
    Source: H. Kuhn, The Hungarian method for the assignment problem (1955).
    """
    width = len(costs[0]) if costs else 0
    row_prices, column_prices = [0.0] * (len(costs) + 1), [0.0] * (width + 1)
    owners = [0] * (width + 1)
    for row in range(1, len(costs) + 1):
        owners[0] = row
        path = _path(costs, row_prices, column_prices, owners)
        for column, before in path:
            owners[column] = owners[before]
    found = [0] * len(costs)
    for column in range(1, width + 1):
        if owners[column]:
            found[owners[column] - 1] = column - 1
    return found


def _path(
    costs: Sequence[Sequence[float]],
    row_prices: list[float],
    column_prices: list[float],
    owners: list[int],
) -> list[tuple[int, int]]:
    """Which columns change their owner, from a free one back to the new row; prices are moved."""
    width = len(column_prices)
    least, before, used = [_UNREACHED] * width, [0] * width, [False] * width
    column = 0
    while column == 0 or owners[column]:
        used[column] = True
        row = owners[column]
        free = [other for other in range(1, width) if not used[other]]
        for other in free:
            cost = costs[row - 1][other - 1] - row_prices[row] - column_prices[other]
            if cost < least[other]:
                least[other], before[other] = cost, column
        best = min(free, key=least.__getitem__)
        step = least[best]
        for other in range(width):
            if used[other]:
                row_prices[owners[other]] += step
                column_prices[other] -= step
            else:
                least[other] -= step
        column = best
    path = []
    while column:
        path.append((column, before[column]))
        column = before[column]
    return path
