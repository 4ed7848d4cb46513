"""Makes the conversation that `edged demo` transcribes: two neighbours and a child plan a trip.

Needs the programs flite and espeak-ng and the [speech] extra. The text is ours; the voices are
flite's slt and rms and espeak-ng's en-us. Run it as `python packaging/make_conversation.py`; it
writes conversation.opus and conversation.txt into edged/cli/assets. Every number is fixed, so the
same versions of the programs make the same sound.

The sentences were chosen among fifty by what PocketSphinx en-us hears of them, so that the demo
shows the path and not the limits of its smallest model. packaging/README.md has the error rate.
"""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE = 16_000
BIT_RATE = 32_000
LEAD_S = 0.6
"""Silence before the first and after the last sentence, seconds."""
PEAK = 0.35
"""Of full scale, for every sentence: nobody is louder than the other."""
NOISE = 1e-4
"""Standard deviation of the room's noise, of full scale: true silence is found nowhere."""
SEED = 20_261_121

ASSETS = Path(__file__).resolve().parent.parent / "edged" / "cli" / "assets"

FLITE = "flite"
ESPEAK = "espeak-ng"

VOICES = {
    "Anna": (FLITE, "-voice", "slt"),
    "Ben": (FLITE, "-voice", "rms"),
    "Tim": (ESPEAK, "-v", "en-us", "-s", "150"),
}


@dataclass(frozen=True)
class Line:
    """One sentence; `pause_s`: the silence after it, seconds."""

    speaker: str
    text: str
    pause_s: float = 0.6


LINES = (
    Line("Ben", "Good morning, how are you today?"),
    Line("Anna", "I am very well, thank you."),
    Line("Ben", "Are we still going to the lake on Saturday?"),
    Line("Anna", "Yes, the weather will be warm and dry."),
    Line("Ben", "What time does the train leave?"),
    Line("Anna", "The morning train leaves at seven thirty.", 0.8),
    Line("Ben", "That is very early for me."),
    Line("Anna", "We can sleep on the train."),
    Line("Ben", "Where did you put the tickets?"),
    Line("Anna", "The tickets are in the red box on the kitchen table.", 0.8),
    Line("Tim", "Can we go swimming in the lake?", 0.8),
    Line("Ben", "The water is still too cold for that."),
    Line("Anna", "I will make coffee and sandwiches."),
    Line("Ben", "Please bring the blue umbrella."),
    Line("Anna", "Is your brother coming with us?"),
    Line("Ben", "My brother has to work this weekend.", 0.8),
    Line("Ben", "We will send him a picture of the mountains."),
    Line("Anna", "Is there anything else that we need?"),
    Line("Ben", "I think that we have everything.", 0.8),
    Line("Anna", "I can hardly wait."),
)


def spoken(line: Line, folder: Path) -> NDArray[np.float64]:
    """One sentence as mono samples at 16 kHz, its peak at PEAK."""
    path = folder / "sentence.wav"
    program, *options = VOICES[line.speaker]
    if program == FLITE:
        command = [program, *options, "-t", line.text, "-o", str(path)]
    else:
        command = [program, *options, "-w", str(path), line.text]
    subprocess.run(command, check=True, timeout=30)
    samples = _resampled(path).astype(np.float64)
    scaled: NDArray[np.float64] = samples * (PEAK / np.abs(samples).max())
    return scaled


def _resampled(path: Path) -> NDArray[np.int16]:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(str(path)) as container:
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.int16)


def conversation(folder: Path) -> NDArray[np.int16]:
    """All sentences with their pauses, over a little noise: mono int16 at 16 kHz."""
    parts = [_silence(LEAD_S)]
    for line in LINES:
        parts += [spoken(line, folder), _silence(line.pause_s)]
    clean = np.concatenate([*parts, _silence(LEAD_S)])
    room = np.random.default_rng(SEED).normal(0, NOISE, len(clean))
    return np.rint((clean + room) * 32_767).astype(np.int16)


def _silence(length_s: float) -> NDArray[np.float64]:
    return np.zeros(round(length_s * RATE))


def encode(samples: NDArray[np.int16], path: Path) -> None:
    """Write mono samples at 16 kHz as Ogg Opus, the same bytes for the same samples."""
    with av.open(str(path), "w", format="ogg", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libopus", rate=48_000)
        stream.bit_rate = BIT_RATE
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = RATE
        resampler = av.AudioResampler(format="s16", layout="mono", rate=48_000, frame_size=960)
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(part))


def main() -> int:
    """Write both files; the exit status."""
    ASSETS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        samples = conversation(Path(folder))
    audio = ASSETS / "conversation.opus"
    encode(samples, audio)
    text = "".join(f"{line.speaker}: {line.text}\n" for line in LINES)
    (ASSETS / "conversation.txt").write_text(text, encoding="utf-8")
    print(f"{audio.name}: {len(samples) / RATE:.1f} s, {audio.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
