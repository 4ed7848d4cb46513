"""How many words does the default recogniser get wrong, on recordings whose text is known?"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import edged
from benchmarks.figures import Figure
from benchmarks.served import Served
from edged.bridge.link import SyncClient
from edged.messages import replies, requests
from edged.speech.spelling import spelled

TITLE = "Words: the default recogniser on recordings with known text"

ASSETS = Path(
    os.environ.get(
        "EDGED_TEST_ASSETS", Path(edged.__file__).parent.parent.parent / "shared" / "assets"
    )
)
_SAME_RECORDING = {"speech/jfk.flac"}
"""Another file of one that is there already."""


def distance(true: Sequence[str], heard: Sequence[str]) -> int:
    """The fewest words to put in, leave out or change. Source: V. Levenshtein, 1966."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(true, start=1):
        before, row[0] = row[0], number
        for at, other in enumerate(heard, start=1):
            best = min(row[at] + 1, row[at - 1] + 1, before + (word != other))
            before, row[at] = row[at], best
    return row[-1]


def words_of(text: str) -> list[str]:
    """The words as they are compared: spelled out, in lower case."""
    return [word.lower() for word in spelled(text)]


def measure(*, quick: bool) -> list[Figure]:
    """Word error rates by recording and of all; nothing without the recordings."""
    del quick  # three recordings are quick
    notes = ASSETS / "media" / "transcripts.json"
    if not notes.exists():
        print("  the recordings are not here: set EDGED_TEST_ASSETS")
        return []
    known: dict[str, str] = {
        name: facts["text"]
        for name, facts in json.loads(notes.read_text()).items()
        if "text" in facts and name not in _SAME_RECORDING
    }
    with Served() as daemon, daemon.client() as client:
        heard = {name: _heard(client, ASSETS / "media" / name) for name in known}
    model = next(iter(heard.values()))[1]
    wrong = {name: distance(words_of(known[name]), words_of(heard[name][0])) for name in known}
    sizes = {name: len(words_of(known[name])) for name in known}
    figures = [
        Figure(
            what=f"word error rate, {Path(name).name}",
            value=100 * wrong[name] / sizes[name],
            unit="%",
            note=f"{model}, {wrong[name]} of {sizes[name]} words",
        )
        for name in known
    ]
    everything = Figure(
        what="word error rate, all",
        value=100 * sum(wrong.values()) / sum(sizes.values()),
        unit="%",
        note=f"{model}, {sum(wrong.values())} of {sum(sizes.values())} words",
    )
    return [*figures, everything]


def _heard(client: SyncClient, path: Path) -> tuple[str, str]:
    """The text, and the model that heard it."""
    texts: list[str] = []
    request = requests.Transcribe(path=str(path), fresh=True)
    for reply, _ in client.stream(request):
        if isinstance(reply, replies.Transcript):
            texts += [segment.text for segment in reply.segments]
        if isinstance(reply, replies.Transcribed):
            return " ".join(texts), reply.model
    raise AssertionError("the transcription ended without a result")
