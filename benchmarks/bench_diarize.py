"""How well is it known who speaks when (DER), and what do ten hours cost?

Neither a collar nor overlaps are left out of the score. The diarizer without weights
(edged/speech/diarization) was tuned on 21 made clips of other seeds (the same voices and sentences in
another order), on dialogues cut from single recordings of real speakers, and with an eye on the real
call: its figure is not one of unseen data.

TitaNet could not be fetched where this was written. pyannote's segmentation has its real weights;
voices are told apart by cepstra instead, or by a speaker model that was never trained: the latter
shows the plumbing and nothing else.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import dialogues, sounds
from benchmarks.dialogues import ASSETS, Clip
from benchmarks.figures import Figure
from edged.media import AudioChunk
from edged.messages.records import Span
from edged.models.engines.bic_diarizer import BicDiarizer
from edged.models.engines.sherpa_diarization import SherpaDiarization
from edged.models.listening import Diarized, DiarizeOptions, Diarizer
from edged.models.runtime import ModelSpec
from edged.speech.der import LabelledTurn, score

TITLE = "Who speaks when: without weights, and with pyannote's segmentation"

PART_BYTES = 30 * 32_000
MB = 1e6
MOST_MB = 500.0
MOST_FACTOR = 0.1

BIC = "bic-diarizer"
CEPSTRA = "pyannote + cepstra"
UNTRAINED = "pyannote + untrained speaker model"

RECIPES: dict[str, dict[str, float]] = {
    "2 speakers": {"speakers": 2, "turns": 24, "seed": 501},
    "2 others": {"speakers": 2, "turns": 24, "seed": 502, "first-voice": 4},
    "3 speakers": {"speakers": 3, "turns": 24, "seed": 503},
    "4 speakers": {"speakers": 4, "turns": 32, "seed": 504, "first-voice": 2},
    "3 speakers, overlaps": {"speakers": 3, "turns": 24, "seed": 505, "overlap": 0.3},
    "1 speaker": {"speakers": 1, "turns": 16, "seed": 506},
    "4 speakers, 9 min": {"speakers": 4, "turns": 200, "seed": 507, "first-voice": 4},
}


def measure(*, quick: bool) -> list[Figure]:
    """DER of every diarizer on every clip, the number of speakers known and not; then hours."""
    with sounds.folder() as folder:
        recipes = list(RECIPES.items())[: 3 if quick else None]
        clips = [dialogues.made(folder, name, **recipe) for name, recipe in recipes]
        real = dialogues.sample()
        figures = [
            figure
            for clip in ([real] if real else []) + clips
            for name, diarizer in _diarizers().items()
            for figure in _scores(name, diarizer, clip)
        ]
    hours = {BIC: 1.0, CEPSTRA: 0.1} if quick else {BIC: 10.0, CEPSTRA: 1.0}
    for name, length in hours.items():
        if name in _diarizers():
            figures += _long(name, length)
    return figures


def _diarizers() -> dict[str, Diarizer]:
    folder = ASSETS / "diarization"
    files = {"segmentation": folder / "sherpa-onnx-pyannote-segmentation-3-0" / "model.int8.onnx"}
    speaker = {"embedding": folder / "derived" / "mean_logmel_NOT_TRAINED_embedding.onnx"}
    if not files["segmentation"].exists():
        return {BIC: BicDiarizer()}
    return {
        BIC: BicDiarizer(),
        CEPSTRA: _pyannote(files),
        UNTRAINED: _pyannote(files | speaker),
    }


def _pyannote(files: dict[str, Path]) -> SherpaDiarization:
    named = {name: str(path) for name, path in files.items()}
    return SherpaDiarization(
        ModelSpec(id="measured", task="diarize", engine="sherpa_diarization", files=named)
    )


def _scores(name: str, diarizer: Diarizer, clip: Clip) -> Iterator[Figure]:
    for speakers in (0, clip.speakers):
        found = _diarized(diarizer, clip, speakers)
        turns = [LabelledTurn(one.start_ms, one.end_ms, str(one.speaker)) for one in found.turns]
        scored = score(clip.turns, turns)
        parts = {
            "missed": scored.missed_ms,
            "invented": scored.invented_ms,
            "confused": scored.confused_ms,
        }
        shares = ", ".join(
            f"{what} {100 * ms / scored.spoken_ms:.1f}" for what, ms in parts.items()
        )
        count = len({one.speaker for one in turns})
        known = "known" if speakers else "unknown"
        yield Figure(
            what=f"{clip.name}: {name}, number {known}",
            value=100 * scored.rate,
            unit="%",
            note=f"{shares}; {count} found",
        )


def _diarized(diarizer: Diarizer, clip: Clip, speakers: int = 0, *, times: int = 1) -> Diarized:
    """A clip in parts of 30 s, as the daemon gives them; several times over when asked."""
    found, told, spans = Diarized(), 0, clip.spans
    parts = -(-len(clip.pcm) // PART_BYTES)
    for number in range(parts * times):
        first = number % parts * PART_BYTES
        final = number == parts * times - 1
        end_ms = (number + 1) * PART_BYTES // 32
        last = told
        while last < len(spans) and (final or spans[last].end_ms <= end_ms):
            last += 1
        pcm = clip.pcm[first : first + PART_BYTES]
        part = AudioChunk(data=pcm, start=number * PART_BYTES // 2)
        options = DiarizeOptions(
            stream="clip", final=final, speech=spans[told:last], speakers=speakers
        )
        found = diarizer.diarize(part, options)
        told = last
    return found


def _long(name: str, hours: float) -> list[Figure]:
    """In a process of its own, whose greatest size is known afterwards."""
    command = [sys.executable, "-m", "benchmarks.bench_diarize", name, str(hours)]
    environ = {**os.environ, "OMP_NUM_THREADS": "1"}  # as a worker has it
    ran = subprocess.run(command, check=True, capture_output=True, text=True, env=environ)
    told = json.loads(ran.stdout.splitlines()[-1])
    note = f"{told['speakers']} speakers and {told['turns']} turns found, of 4"
    factor = Figure(
        what=f"{hours:g} h of 4 speakers: {name}, time over length",
        value=told["seconds"] / (hours * 3600),
        unit="",
        most=MOST_FACTOR,
        note=f"{told['seconds']:.0f} s; {note}; DER {100 * told['rate']:.1f} %",
    )
    memory = Figure(
        what=f"{hours:g} h of 4 speakers: {name}, greatest size of the process",
        value=told["rss"] / MB,
        unit="MB",
        most=MOST_MB,
        note=f"{told['before'] / MB:.0f} MB before it began",
    )
    return [factor, memory]


def _repeated(clip: Clip, times: int) -> Clip:
    """A clip several times over; its samples are not copied."""
    length_ms = len(clip.pcm) // 32
    spans = tuple(
        Span(start_ms=one.start_ms + shift, end_ms=one.end_ms + shift)
        for shift in range(0, times * length_ms, length_ms)
        for one in clip.spans
    )
    turns = tuple(
        LabelledTurn(one.start_ms + shift, one.end_ms + shift, one.speaker)
        for shift in range(0, times * length_ms, length_ms)
        for one in clip.turns
    )
    return Clip(clip.name, clip.pcm, turns, spans)


def _measure_long(name: str, hours: float) -> dict[str, float]:
    with sounds.folder() as folder:
        clip = dialogues.made(folder, "long", **RECIPES["4 speakers, 9 min"])
    whole = clip.pcm[: len(clip.pcm) // PART_BYTES * PART_BYTES]
    times = max(1, round(hours * 3600 / (len(whole) / 32_000)))
    end_ms = len(whole) // 32
    turns = tuple(one for one in clip.turns if one.end_ms <= end_ms)
    spans = tuple(one for one in clip.spans if one.end_ms <= end_ms)
    cut = Clip(clip.name, whole, turns, spans)
    session = _repeated(cut, times)
    diarizer = _diarizers()[name]
    before = _greatest()
    started = time.monotonic()
    found = _diarized(diarizer, session, times=times)
    seconds = time.monotonic() - started
    heard = [LabelledTurn(one.start_ms, one.end_ms, str(one.speaker)) for one in found.turns]
    return {
        "seconds": seconds * hours * 3600 / (times * cut.seconds),
        "rss": _greatest(),
        "before": before,
        "turns": len(heard),
        "speakers": len({one.speaker for one in heard}),
        "rate": score(session.turns, heard).rate,
    }


def _greatest() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    print(json.dumps(_measure_long(sys.argv[1], float(sys.argv[2]))))
