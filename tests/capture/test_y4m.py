"""YUV4MPEG2 as it comes out of a pipe, in pieces of any size."""

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.capture.pixels import Developer
from edged.capture.y4m import Y4mReader
from edged.errors import BadMedia

HEAD = b"YUV4MPEG2 W4 H2 F15:1 Ip A1:1 C420jpeg XYSCSS=420JPEG\n"
RED = bytes([81] * 8 + [90] * 2 + [240] * 2)
GREY = bytes([126] * 8 + [128] * 4)


def read(data: bytes, size: int = 10_000) -> tuple[list[av.VideoFrame], Y4mReader]:
    reader = Y4mReader()
    frames = []
    for at in range(0, len(data), size):
        frames += list(reader.feed(data[at : at + size]))
    return frames, reader


def rgb(frame: av.VideoFrame) -> tuple[int, ...]:
    return tuple(int(value) for value in Developer().rgb(frame)[0, 0])


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_frames_come_whole_whatever_the_pieces(size: int) -> None:
    frames, reader = read(HEAD + b"FRAME\n" + RED + b"FRAME Ip\n" + GREY, size)

    assert (reader.width, reader.height) == (4, 2)
    assert [(one.width, one.height) for one in frames] == [(4, 2), (4, 2)]
    assert rgb(frames[0]) == pytest.approx((255, 0, 0), abs=3)
    assert rgb(frames[1]) == pytest.approx((128, 128, 128), abs=3)
    assert not reader.amid


@pytest.mark.parametrize(
    ("kind", "size"),
    [("C420mpeg2", 15 + 2 * 6), ("C422", 15 + 2 * 9), ("C444", 45), ("C411", 15 + 2 * 6), ("Cmono", 15), ("", 15 + 2 * 6)],
)  # fmt: skip
def test_odd_sizes_of_every_kind_have_their_planes(kind: str, size: int) -> None:
    head = f"YUV4MPEG2 W5 H3 {kind}\nFRAME\n".encode()

    frames, reader = read(head + bytes([128] * size))

    assert len(frames) == 1
    assert not reader.amid
    assert Developer().rgb(frames[0]).shape == (3, 5, 3)


def test_full_range_is_told_by_the_stream() -> None:
    head = b"YUV4MPEG2 W4 H2 C420 XCOLORRANGE=FULL\nFRAME\n"

    frames, _ = read(head + bytes([255] * 8 + [128] * 4))

    assert rgb(frames[0]) == pytest.approx((255, 255, 255), abs=2)


def test_an_end_in_the_middle_of_a_frame_is_known() -> None:
    whole = HEAD + b"FRAME\n" + RED

    assert [read(whole[:at])[1].amid for at in (20, len(whole) - 1, len(whole))] == [
        True, True, False,
    ]  # fmt: skip
    assert read(HEAD + b"FRAME\n")[1].amid


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"RIFF....", "not YUV4MPEG2"),
        (b"YUV4MPEG2 W4 F15:1\n", "how large"),
        (b"YUV4MPEG2 W4 H-2\n", "how large"),
        (b"YUV4MPEG2 W0 H2\n", "1 to 16384"),
        (b"YUV4MPEG2 W99999 H2\n", "1 to 16384"),
        (b"YUV4MPEG2 W16000 H16000\n", "larger than"),
        (b"YUV4MPEG2 W4 H2 C420p10\n", "not known"),
        (b"YUV4MPEG2 " + b"X" * 5_000, "does not end"),
        (HEAD + b"FRAME\n" + RED + b"noise", "not YUV4MPEG2"),
    ],
)
def test_what_is_no_such_stream_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(BadMedia, match=words):
        read(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_frames_or_refused(data: bytes) -> None:
    try:
        frames, _ = read(HEAD + data)
    except BadMedia:
        return
    assert all(one.width == 4 for one in frames)
