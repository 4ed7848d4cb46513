"""Clips with known turns: made by packaging/make_dialogue.py, and the one among the test assets."""

import os
import subprocess
import sys
from array import array
from pathlib import Path

from msgspec import Struct

from benchmarks import inprocess, sounds
from edged.media import AudioChunk
from edged.messages.records import Span
from edged.models.runtime import VadOptions
from edged.speech.der import LabelledTurn, read_rttm
from edged.speech.segmenter import Segmenter

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "packaging" / "make_dialogue.py"
ASSETS = Path(os.environ.get("EDGED_TEST_ASSETS", ROOT.parent / "shared" / "assets"))

_WINDOW = 512


class Clip(Struct, frozen=True):
    """pcm: s16le, mono, 16 kHz. spans: of speech, as the daemon's own pipeline finds them."""

    name: str
    pcm: bytes
    turns: tuple[LabelledTurn, ...]
    spans: tuple[Span, ...]

    @property
    def speakers(self) -> int:
        """How many there are."""
        return len({turn.speaker for turn in self.turns})

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.pcm) / 32_000


def made(folder: Path, name: str, **recipe: float) -> Clip:
    """A clip by make_dialogue.py; recipe: its options."""
    options = [word for key, value in recipe.items() for word in (f"--{key}", str(value))]
    command = [sys.executable, str(SCRIPT), str(folder / name), *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=300)
    return _read(name, folder / f"{name}.wav")


def sample() -> Clip | None:
    """Half a minute of a real telephone call; None where the test assets are not."""
    path = ASSETS / "media" / "diarization" / "sample.wav"
    return _read("sample.wav, a real call", path) if path.exists() else None


def _read(name: str, path: Path) -> Clip:
    pcm = sounds.pcm(path)
    turns = read_rttm(path.with_suffix(".rttm").read_text())
    return Clip(name, pcm, tuple(turns), tuple(_spans(pcm)))


def _spans(pcm: bytes) -> list[Span]:
    padded = pcm + bytes(-len(pcm) % (2 * _WINDOW))
    found = inprocess.silero().detect(AudioChunk(data=padded), VadOptions(final=True)).data
    samples = memoryview(padded).cast("h")
    windows = (samples[at : at + _WINDOW] for at in range(0, len(samples), _WINDOW))
    loudness = array("f", (_loudness(window) for window in windows))
    segmenter = Segmenter()
    return [*segmenter.feed_many(found, loudness.tobytes()), *segmenter.finish()]


def _loudness(window: memoryview) -> float:
    return float((sum(one * one for one in window) / len(window)) ** 0.5) / 32_768
