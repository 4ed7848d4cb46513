"""Makes clips of several voices with known turns: NAME.wav, NAME.rttm and NAME.txt.

Needs the programs flite and espeak-ng and the [speech] extra. The text is ours. Run it as
`python packaging/make_dialogue.py FOLDER/NAME --speakers 3 --turns 24 --seed 1`; tests and
benchmarks do. Every number is fixed by the seed, so the same versions of the programs make the same
sound. The speakers are called A, B, C, ... in the RTTM and in the text, by their first words.

RTTM: type, file, channel, start and length in seconds, and the speaker's name, one turn a line.
Source: NIST, The 2009 Rich Transcription Meeting Recognition Evaluation Plan, appendix A.
"""

import argparse
import subprocess
import sys
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE = 16_000
LEAD_S = 0.5
"""Silence before the first and after the last sentence, seconds."""
LEVEL = 0.05
"""Loudness (RMS) of each sentence, of full scale, before its speaker's own loudness."""
NOISE = 3e-4
"""Standard deviation of the room's noise, of full scale."""
EDGE = 0.01
"""A sentence begins and ends where it is louder than this, of its peak."""
STAYS = 0.25
"""How often somebody says two sentences in a row."""

VOICES = (
    ("flite", "-voice", "rms"),
    ("flite", "-voice", "slt"),
    ("flite", "-voice", "awb"),
    ("espeak-ng", "-v", "en-us+f3", "-s", "150"),
    ("flite", "-voice", "kal16"),
    ("espeak-ng", "-v", "en-gb+m3", "-s", "150"),
    ("espeak-ng", "-v", "en-us+f5", "-s", "165", "-p", "75"),
    ("espeak-ng", "-v", "en-us+m7", "-s", "160", "-p", "25"),
)
"""As programs are called; the first ones are taken for few speakers."""

SENTENCES = (
    "Good morning, how are you today?",
    "I am very well, thank you for asking.",
    "The train to the coast leaves at half past seven.",
    "We could take the bus instead, it is much cheaper.",
    "Did you remember to bring the keys?",
    "They are in the left pocket of my coat.",
    "My sister wants to come along with her two children.",
    "Then we will need a bigger car.",
    "The weather should be dry until Sunday evening.",
    "Yes.",
    "I heard that there will be a storm in the mountains.",
    "Please put the plates on the table, dinner is nearly ready.",
    "What are we going to eat tonight?",
    "There is soup with bread, and an apple pie afterwards.",
    "That sounds good to me.",
    "Could somebody open the window for a minute?",
    "I have been working on this report since early in the morning.",
    "Send it to me when you are done, and I will read it tomorrow.",
    "Nobody told me that the meeting had been moved.",
    "No, not really.",
    "The new neighbours have a large brown dog that barks all day.",
    "Perhaps we should talk to them about it.",
    "I would rather wait another week.",
    "Let us decide on that later.",
)


@dataclass(frozen=True)
class Recipe:
    """What a clip is made of.

    speakers: 1 to 8. turns: so many sentences in all; each speaker has one at least when there are
        enough. seed: who says what when. overlap: share of the changes of speaker at which the next
        one begins before the other has ended. first_voice: of VOICES, for the first speaker.
    """

    speakers: int = 2
    turns: int = 16
    seed: int = 1
    overlap: float = 0.0
    first_voice: int = 0


@dataclass(frozen=True)
class Turn:
    """One sentence; in samples from the start of the clip."""

    start: int
    end: int
    speaker: str
    text: str


def make(target: Path, recipe: Recipe) -> list[Turn]:
    """Write the three files beside each other; target: their path without a suffix."""
    chance = np.random.default_rng(recipe.seed)
    with tempfile.TemporaryDirectory() as folder:
        samples, turns = _dialogue(recipe, chance, Path(folder))
    samples += chance.normal(0, NOISE, len(samples))
    with wave.open(f"{target}.wav", "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(np.rint(np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes())
    lines = "".join(_rttm(turn, target.name.replace(" ", "_")) for turn in turns)
    Path(f"{target}.rttm").write_text(lines, encoding="utf-8")
    text = "".join(f"{turn.speaker}: {turn.text}\n" for turn in turns)
    Path(f"{target}.txt").write_text(text, encoding="utf-8")
    return turns


def _dialogue(
    recipe: Recipe, chance: np.random.Generator, folder: Path
) -> tuple[NDArray[np.float64], list[Turn]]:
    order = _order(recipe, chance)
    texts = [SENTENCES[one] for one in chance.permutation(recipe.turns) % len(SENTENCES)]
    loudness = chance.uniform(0.6, 1.4, recipe.speakers)
    mixed = np.zeros(round(LEAD_S * RATE))
    turns: list[Turn] = []
    for speaker, text in zip(order, texts, strict=True):
        sound = _spoken(VOICES[(recipe.first_voice + speaker) % len(VOICES)], text, folder)
        name = chr(ord("A") + speaker)
        start = _start(turns, name, recipe.overlap, chance)
        grown = np.zeros(max(len(mixed), start + len(sound)))
        grown[: len(mixed)] = mixed
        grown[start : start + len(sound)] += sound * loudness[speaker]
        mixed = grown
        turns.append(Turn(start, start + len(sound), name, text))
    return np.concatenate([mixed, np.zeros(round(LEAD_S * RATE))]), turns


def _order(recipe: Recipe, chance: np.random.Generator) -> list[int]:
    """Who says each sentence; sometimes one says two in a row."""
    order = list(range(min(recipe.speakers, recipe.turns)))
    while len(order) < recipe.turns:
        stays = recipe.speakers == 1 or chance.random() < STAYS
        step = 0 if stays else int(chance.integers(1, recipe.speakers))
        order.append((order[-1] + step) % recipe.speakers)
    return order


def _start(turns: list[Turn], speaker: str, overlap: float, chance: np.random.Generator) -> int:
    """Where the next sentence begins: after a pause, or into the end of another one's."""
    if not turns:
        return round(LEAD_S * RATE)
    last = max(turn.end for turn in turns)
    own = max((turn.end for turn in turns if turn.speaker == speaker), default=0)
    pause = round(chance.uniform(0.2, 0.9) * RATE)
    shared = round(chance.uniform(0.4, 1.2) * RATE)
    if speaker != turns[-1].speaker and chance.random() < overlap:
        return max(last - shared, own, turns[-1].start)
    return last + pause


def _spoken(voice: tuple[str, ...], text: str, folder: Path) -> NDArray[np.float64]:
    """One sentence as mono samples at 16 kHz without silence around it, as loud as every other."""
    path = folder / "sentence.wav"
    program, *options = voice
    said = ["-t", text, "-o", str(path)] if program == "flite" else ["-w", str(path), text]
    subprocess.run([program, *options, *said], check=True, timeout=30)
    samples = _resampled(path)
    loud = np.flatnonzero(np.abs(samples) > EDGE * np.abs(samples).max())
    cut = samples[loud[0] : loud[-1] + 1]
    scaled: NDArray[np.float64] = cut * (LEVEL / np.sqrt(np.mean(cut**2)))
    return scaled


def _resampled(path: Path) -> NDArray[np.float64]:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(str(path)) as container:
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    frames += resampler.resample(None)
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    return samples.astype(np.float64) / 32_768


def _rttm(turn: Turn, name: str) -> str:
    start, length = turn.start / RATE, (turn.end - turn.start) / RATE
    speaker = turn.speaker
    return f"SPEAKER {name} 1 {start:.3f} {length:.3f} <NA> <NA> {speaker} <NA> <NA>\n"


def main() -> int:
    """Write a clip; the exit status."""
    plain = Recipe()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path, help="path of the files without a suffix")
    parser.add_argument("--speakers", type=int, choices=range(1, 9), default=plain.speakers)
    parser.add_argument("--turns", type=int, default=plain.turns, help="sentences in all")
    parser.add_argument("--seed", type=int, default=plain.seed)
    parser.add_argument("--overlap", type=float, default=plain.overlap, help="share of changes")
    parser.add_argument("--first-voice", type=int, default=plain.first_voice)
    asked = vars(parser.parse_args())
    target = asked.pop("target")
    target.parent.mkdir(parents=True, exist_ok=True)
    turns = make(target, Recipe(**asked))
    print(f"{target}.wav: {turns[-1].end / RATE + LEAD_S:.1f} s, {len(turns)} sentences")
    return 0


if __name__ == "__main__":
    sys.exit(main())
