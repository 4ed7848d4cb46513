"""Live PCM of any format: piece by piece the same as in one piece."""

import numpy as np
import pytest
from numpy.typing import NDArray

from edged.capture.live_pcm import MAX_STREAMS, LivePcm
from edged.capture.parts import ConvertOptions, PcmPiece
from edged.errors import BadMedia, BadRequest
from edged.media import AudioFormat

STUDIO = AudioFormat(sample_rate=48_000, channels=2, sample_format="f32le")


def tone(seconds: float, rate: int) -> NDArray[np.float32]:
    """A low tone at half of full scale, shape (n,)."""
    at = np.arange(int(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * 220 * at)).astype(np.float32)


def converted(data: bytes, audio: AudioFormat, step: int) -> tuple[NDArray[np.int16], list[int]]:
    """All that comes out, and where each piece began."""
    live = LivePcm()
    pieces, starts = [], []
    for at in range(0, len(data), step):
        final = at + step >= len(data)
        options = ConvertOptions(stream="s", audio=audio, final=final)
        chunk = live.convert(PcmPiece(data=data[at : at + step]), options)
        pieces.append(bytes(chunk.data))
        starts.append(chunk.start)
    return np.frombuffer(b"".join(pieces), "<i2"), starts


def test_pieces_are_resampled_as_one_stream_of_the_right_length() -> None:
    stereo = np.repeat(tone(2, 48_000), 2).tobytes()

    found, starts = converted(stereo, STUDIO, 8 * 4_800)
    whole, _ = converted(stereo, STUDIO, len(stereo))

    assert len(found) == 32_000
    assert np.abs(found.astype(int) - whole.astype(int)).max() <= 1
    expected = tone(2, 16_000) * 32_767
    assert np.abs(found[200:-200] - expected[200:-200]).max() < 200
    assert starts == sorted(starts)


def test_half_a_second_of_live_sound_is_given_at_once_but_for_the_filters_length() -> None:
    live = LivePcm()
    options = ConvertOptions(stream="s", audio=AudioFormat(sample_rate=48_000))

    chunk = live.convert(PcmPiece(data=bytes(48_000)), options)

    assert 7_800 <= chunk.samples <= 8_000


def test_streams_do_not_mix_and_another_format_begins_anew() -> None:
    live = LivePcm()
    loud = PcmPiece(data=(tone(0.1, 16_000) * 32_767).astype("<i2").tobytes())
    quiet = PcmPiece(data=bytes(len(loud.data)))
    speech = AudioFormat(sample_rate=16_000)

    first = live.convert(loud, ConvertOptions(stream="a", audio=speech))
    other = live.convert(quiet, ConvertOptions(stream="b", audio=speech))
    again = live.convert(loud, ConvertOptions(stream="a", audio=speech))
    changed = live.convert(loud, ConvertOptions(stream="a", audio=AudioFormat(sample_rate=8_000)))

    assert first.data == again.data == loud.data
    assert not any(bytes(other.data))
    assert (first.start, other.start, again.start, changed.start) == (0, 0, 1_600, 0)


def test_streams_that_were_never_ended_are_forgotten_the_oldest_first() -> None:
    live = LivePcm()
    piece = PcmPiece(data=bytes(320))
    for number in range(MAX_STREAMS + 1):
        live.convert(
            piece, ConvertOptions(stream=str(number), audio=AudioFormat(sample_rate=16_000))
        )

    begun = live.convert(piece, ConvertOptions(stream="0", audio=AudioFormat(sample_rate=16_000)))
    known = live.convert(piece, ConvertOptions(stream="5", audio=AudioFormat(sample_rate=16_000)))

    assert (begun.start, known.start) == (0, 160)


@pytest.mark.parametrize(
    ("data", "audio", "kind"),
    [
        (b"abc", AudioFormat(sample_rate=16_000), BadRequest),
        (np.array([np.nan], "<f4").tobytes(), AudioFormat(sample_rate=16_000, sample_format="f32le"), BadMedia),
        (b"ab", AudioFormat(sample_rate=10), BadMedia),
    ],
)  # fmt: skip
def test_what_is_no_sound_is_refused(
    data: bytes, audio: AudioFormat, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        LivePcm().convert(PcmPiece(data=data), ConvertOptions(stream="s", audio=audio))
