"""How far are `align`'s phones from where a synthesiser put them, and how long does it take?

flite prints when each of its phones ends (-psdur), so the truth is known to the sample. Phones of both are
matched by name, flite's schwa being ARPAbet's AH; what is measured is where matched phones begin.
"""

import difflib
import shutil
import statistics
import subprocess
import time
from functools import cache
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

from benchmarks import inprocess, sounds
from benchmarks.figures import Figure, seconds
from benchmarks.served import Served
from edged.bridge.link import SyncClient
from edged.media import AudioChunk
from edged.messages.voice import Align, Aligned
from edged.models.engines.pocketsphinx_align import PocketSphinxAligner, load
from edged.models.listening import AlignOptions
from edged.workers.context import WorkerContext

TITLE = "Alignment: phones against a synthesiser's own times"

VOICES = ("slt", "awb", "rms", "kal")
TEXTS = (
    "please call stella",
    "ask her to bring these things with her from the store",
    "six spoons of fresh snow peas five thick slabs of blue cheese and maybe a snack for her brother bob",
    "we also need a small plastic snake and a big toy frog for the kids",
    "she can scoop these things into three red bags and we will go meet her wednesday at the train station",
)
"""Source: the elicitation paragraph of the Speech Accent Archive, accent.gmu.edu."""

LONG = f"{TEXTS[2]} {TEXTS[4]}"
_SAME = {"AX": "AH", "AXR": "ER"}
_NEAR_MS = 20


class Said(Struct, frozen=True):
    """One made sentence: its file, text, and when each of its phones begins, in ms."""

    path: Path
    text: str
    phones: tuple[tuple[str, float], ...]


def say(text: str, voice: str, target: Path) -> Said:
    """A sentence in one of flite's voices; pauses are no phones."""
    command = ["flite", "-voice", voice, "-t", text, "-o", str(target), "-psdur"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    ends = [(name, float(end)) for name, _, end in (one.partition(":") for one in told.split())]
    phones = tuple(
        (_SAME.get(name.upper(), name.upper()), before * 1000)
        for (_, before), (name, _) in pairwise([("", 0.0), *ends])
        if name != "pau"
    )
    return Said(target, text, phones)


def errors(said: Said, found: Aligned) -> list[float]:
    """How much too late each matched phone begins, in ms."""
    true = [name for name, _ in said.phones]
    heard = [one.phoneme for one in found.phonemes]
    matcher = difflib.SequenceMatcher(None, true, heard, autojunk=False)
    return [
        found.phonemes[block.b + at].start_ms - said.phones[block.a + at][1]
        for block in matcher.get_matching_blocks()
        for at in range(block.size)
    ]


def measure(*, quick: bool) -> list[Figure]:
    """Errors over four voices, and the time for ten seconds; nothing without flite."""
    if shutil.which("flite") is None:
        print("  flite is not installed: nothing to compare with")
        return []
    voices = VOICES[:1] if quick else VOICES
    with sounds.folder() as folder, Served() as daemon, daemon.client() as client:
        spoken = [
            say(text, voice, folder / f"{voice}-{number}.wav")
            for voice in voices
            for number, text in enumerate(TEXTS)
        ]
        found = [_asked(client, one) for one in spoken]
        late = [one for pair in zip(spoken, found, strict=True) for one in errors(*pair)]
        total = sum(len(one.phones) for one in spoken)
        long = say(LONG, "slt", folder / "long.wav")
        return [*_accuracy(late, total, found), *_speed(client, long, rounds=3 if quick else 9)]


def _asked(client: SyncClient, said: Said) -> Aligned:
    return client.ask(Align(path=str(said.path), text=said.text), Aligned)


def _accuracy(late: list[float], total: int, found: list[Aligned]) -> list[Figure]:
    sizes = sorted(abs(one) for one in late)
    near = sum(one <= _NEAR_MS for one in sizes) / len(sizes)
    audio_s = sum(one.audio_ms for one in found) / 1000
    note = f"{found[0].model}, {len(late)} of {total} phones, {audio_s:.0f} s of flite"
    return [
        Figure(what="phone begins, mean error", value=statistics.mean(sizes), unit="ms", note=note),
        Figure(what="phone begins, median error", value=statistics.median(sizes), unit="ms"),
        Figure(
            what="phone begins, mean (late is positive)", value=statistics.mean(late), unit="ms"
        ),
        Figure(what=f"phones within {_NEAR_MS} ms", value=100 * near, unit="%"),
    ]


def _speed(client: SyncClient, said: Said, *, rounds: int) -> list[Figure]:
    found = [_asked(client, said) for _ in range(rounds)]
    engine = [_processor_s(said) for _ in range(rounds)]
    scale = 10_000 / found[0].audio_ms
    own = statistics.median(one.processing_time_ms for one in found)
    whole = statistics.median(seconds(lambda: _asked(client, said)) for _ in range(rounds)) * 1000
    note = f"{found[0].audio_ms / 1000:.1f} s, scaled to 10 s; one thread"
    return [
        Figure(
            what="10 s of English, aligned in-process: processor time",
            value=statistics.median(engine) * 1000 * scale,
            unit="ms",
            most=200,
            note=note,
        ),
        Figure(what="10 s of English, decode and align", value=own * scale, unit="ms"),
        Figure(what="10 s of English, the whole request", value=whole * scale, unit="ms"),
    ]


@cache
def _aligner() -> PocketSphinxAligner:
    """The aligner, loaded here."""
    context = WorkerContext(call_waiting=lambda: False)
    return load(inprocess.spec("pocketsphinx-en-us-align"), context)


def _processor_s(said: Said) -> float:
    """What one alignment takes of one core, whoever else is at work on the machine."""
    with inprocess.decoded(said.path) as parts:
        audio = AudioChunk(data=b"".join(part.pcm for part in parts))
    aligner = _aligner()
    before = time.process_time()
    aligner.align(audio, AlignOptions(text=said.text))
    return time.process_time() - before
