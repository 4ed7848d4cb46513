"""Audio to measure with: the demo's conversation, made as long as needed."""

import random
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av

import edged
from edged.media import SPEECH_RATE

CONVERSATION = Path(edged.__file__).parent / "cli" / "assets" / "conversation.opus"
"""One minute, two synthetic voices."""

HISS = 60
"""Amplitude of the noise between conversations, of 32768: a quiet room, not digital silence."""


@contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder for made files."""
    with tempfile.TemporaryDirectory(prefix="edged-bench-sounds-") as name:
        yield Path(name)


def pcm(path: Path) -> bytes:
    """A file as s16le, mono, 16 kHz."""
    parts: list[bytes] = []
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SPEECH_RATE)
    with av.open(str(path)) as media:
        for frame in [*media.decode(audio=0), None]:
            pieces = resampler.resample(frame)
            parts += [bytes(one.planes[0])[: one.samples * 2] for one in pieces]
    return b"".join(parts)


def repeated(path: Path, times: int, target: Path) -> Path:
    """The packets of an Opus file several times over, in an Ogg file; nothing is encoded anew."""
    with av.open(str(path)) as source, av.open(str(target), "w", format="ogg") as out:
        stream = source.streams.audio[0]
        copy = out.add_stream_from_template(stream)
        packets = [(bytes(one), one.duration or 0) for one in source.demux(stream) if one.size]
        at = 0
        for data, duration in packets * times:
            packet = av.Packet(data)
            packet.stream, packet.time_base = copy, stream.time_base or Fraction(1, 48_000)
            packet.pts = packet.dts = at
            packet.duration = duration
            at += duration
            out.mux(packet)
    return target


def encoded(samples: bytes, target: Path) -> Path:
    """Speech PCM as Opus in Ogg, 24 kbit/s."""
    with av.open(str(target), "w", format="ogg") as out:
        stream = out.add_stream("libopus", rate=SPEECH_RATE, layout="mono")
        stream.bit_rate = 24_000
        step = SPEECH_RATE * 2
        for start in range(0, len(samples), step):
            out.mux(stream.encode(_frame(samples[start : start + step], start // 2)))
        out.mux(stream.encode(None))
    return target


def _frame(data: bytes, start: int) -> av.AudioFrame:
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(data) // 2)
    frame.planes[0].update(data)
    frame.sample_rate, frame.pts, frame.time_base = SPEECH_RATE, start, Fraction(1, SPEECH_RATE)
    return frame


def room(length_s: int) -> bytes:
    """A quiet room: a second of noise, again and again."""
    chance = random.Random(1)  # noqa: S311 - noise, not a secret
    second = array("h", (chance.randint(-HISS, HISS) for _ in range(SPEECH_RATE)))
    return second.tobytes() * length_s


def sparse(hours: float, target: Path, *, block_s: int = 1800) -> Path:
    """Hours of a quiet room with one conversation in every block."""
    talk = pcm(CONVERSATION)
    block = encoded(talk + room(block_s - len(talk) // 2 // SPEECH_RATE), target.with_name("block"))
    return repeated(block, max(1, round(hours * 3600 / block_s)), target)
