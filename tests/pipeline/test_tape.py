"""The stretch of audio that may still be needed."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from edged.media import AudioChunk
from edged.pipeline.tape import Tape

MS = 16  # samples


def _tape(lengths: list[int]) -> Tape:
    tape, start = Tape(), 0
    for length in lengths:
        samples = array("h", [(start + i) % 30_000 for i in range(length)])
        tape.append(AudioChunk(data=samples.tobytes(), start=start))
        start += length
    return tape


@given(st.lists(st.integers(1, 400), min_size=1, max_size=8), st.data())
def test_a_cut_holds_exactly_its_samples(lengths: list[int], data: st.DataObject) -> None:
    tape = _tape(lengths)
    end = sum(lengths) // MS
    start_ms = data.draw(st.integers(0, end))
    end_ms = data.draw(st.integers(start_ms, end))

    cut = tape.cut(start_ms, end_ms)

    assert cut.start == start_ms * MS
    assert array("h", bytes(cut.data)).tolist() == [
        i % 30_000 for i in range(start_ms * MS, end_ms * MS)
    ]


def test_what_is_forgotten_is_gone_and_the_rest_stays() -> None:
    tape = _tape([160, 160, 160])

    tape.forget_before(15)

    assert tape.cut(10, 30).samples == 20 * MS
    assert tape.cut(0, 10).samples == 0
    assert tape.end_ms == 30
