"""The terminal's part of captions: what is read from a pipe, and what is shown."""

import io
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.cli import caption_screen, wav_header
from edged.errors import BadMedia
from edged.media import AudioFormat
from edged.messages.records import Segment
from edged.messages.replies import Transcript
from edged.messages.sessions import PartialText, StreamClosed


def _wav(tag: int, channels: int, rate: int, bits: int, *, extra: bytes = b"") -> bytes:
    fmt = struct.pack("<HHIIHH", tag, channels, rate, 0, 0, bits)
    if tag == 0xFFFE:
        fmt += struct.pack("<HHIH", 22, bits, 0, 1 if bits == 16 else 3) + bytes(14)
    chunks = extra + b"fmt " + struct.pack("<I", len(fmt)) + fmt
    return b"RIFF\xff\xff\xff\xffWAVE" + chunks + b"data\xff\xff\xff\xff" + b"samples"


def _read(data: bytes) -> tuple[AudioFormat, bytes]:
    pipe = io.BytesIO(data)
    assert wav_header.is_wav(pipe.read(wav_header.HEAD_BYTES))
    return wav_header.read_format(pipe.read), pipe.read()


@pytest.mark.parametrize(
    ("tag", "bits", "kind"),
    [(1, 16, "s16le"), (3, 32, "f32le"), (0xFFFE, 16, "s16le"), (0xFFFE, 32, "f32le")],
)
def test_a_wav_file_of_unknown_length_says_how_its_samples_are_read(
    tag: int, bits: int, kind: str
) -> None:
    extra = b"LIST" + struct.pack("<I", 3) + b"abc\x00"

    found, rest = _read(_wav(tag, 2, 44_100, bits, extra=extra))

    assert (found.sample_rate, found.channels, found.sample_format) == (44_100, 2, kind)
    assert rest == b"samples"


@pytest.mark.parametrize(
    "data",
    [
        _wav(1, 1, 16_000, 24),
        _wav(6, 1, 8_000, 8),
        _wav(1, 0, 16_000, 16),
        _wav(1, 1, 0, 16),
        _wav(1, 1, 16_000, 16)[:30],
        b"RIFF\x00\x00\x00\x00WAVEdata\x00\x00\x00\x00",
        b"RIFF\x00\x00\x00\x00WAVEjunk\xff\xff\xff\xff" + bytes(100),
        b"RIFF\x00\x00\x00\x00WAVEfmt \x04\x00\x00\x00abcd",
    ],
)
def test_a_wav_file_that_cannot_be_read_is_refused_with_a_way_out(data: bytes) -> None:
    with pytest.raises(BadMedia) as refused:
        _read(data)

    assert "ffmpeg" in refused.value.fix


@given(st.binary(max_size=200))
def test_no_bytes_behind_the_head_do_more_than_be_refused(data: bytes) -> None:
    try:
        found, _ = _read(b"RIFF\x00\x00\x00\x00WAVE" + data)
    except BadMedia:
        return
    assert found.frame_bytes > 0


SEGMENT = Segment(seq=0, start_ms=61_000, end_ms=62_000, text="on\x1b[2J time", confidence=0.5)
REPLIES = (
    PartialText(text="on", start_ms=61_000, end_ms=61_500),
    Transcript(segments=(SEGMENT,)),
    StreamClosed(stream="s", audio_ms=62_000, segment_count=1),
)


def test_a_pipe_gets_only_texts_that_stay_and_no_control_characters() -> None:
    out = io.StringIO()
    shown = caption_screen.screen(as_json=False, out=out)

    for reply in REPLIES:
        shown.show(reply)

    assert out.getvalue() == "1:01.00  on [2J time\n"


def test_a_terminals_partial_line_is_written_over() -> None:
    out = io.StringIO()
    shown = caption_screen.Scroll(out, rewrites=True)

    for reply in REPLIES[:2]:
        shown.show(reply)

    clear = caption_screen.CLEAR
    assert out.getvalue() == f"{clear}on{clear}1:01.00  on [2J time\n"


def test_json_is_one_object_a_line() -> None:
    out = io.StringIO()
    shown = caption_screen.screen(as_json=True, out=out)

    for reply in REPLIES:
        shown.show(reply)

    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["type"] for line in lines] == ["partial", "segment", "stream_closed"]
    assert lines[1]["text"] == SEGMENT.text
