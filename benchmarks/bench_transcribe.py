"""What does transcription through the daemon cost, over calling the same engine on the same windows?"""

from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks import inprocess, sounds
from benchmarks.figures import Figure, interleaved, ratio, seconds
from benchmarks.served import Served
from edged.bridge.link import SyncClient
from edged.media import AudioChunk
from edged.messages import replies, requests

TITLE = "Transcription: PocketSphinx through the daemon, beside PocketSphinx in this process"

MODEL = "pocketsphinx-en-us"


def measure(*, quick: bool) -> list[Figure]:
    """A file through the daemon, its windows in this process, and the whole way in this process."""
    rounds, times = (2, 1) if quick else (3, 2)
    with ExitStack() as stack:
        folder = stack.enter_context(sounds.folder())
        path = sounds.repeated(sounds.CONVERSATION, times, folder / "talk.opus")
        windows = inprocess.windows(path)
        daemon = stack.enter_context(Served())
        client = stack.enter_context(daemon.client())
        expected = [text for window in windows for text in inprocess.transcribe(window)]
        assert _asked(client, path) == expected, "the daemon hears something else"
        found = interleaved(
            {
                "engine": lambda: seconds(lambda: _here(windows)),
                "everything": lambda: seconds(lambda: _here(inprocess.windows(path))),
                "daemon": lambda: seconds(lambda: _asked(client, path)),
            },
            rounds,
        )
    return _figures(found, len(windows), sum(one.duration_ms for one in windows) / 1000, times)


def _here(windows: list[AudioChunk]) -> None:
    for window in windows:
        inprocess.transcribe(window)


def _asked(client: SyncClient, path: Path) -> list[str]:
    request = requests.Transcribe(path=str(path), model=MODEL, language="en", fresh=True)
    texts = []
    for reply, _ in client.stream(request):
        if isinstance(reply, replies.Transcript):
            texts += [segment.text for segment in reply.segments]
    return texts


def _figures(
    found: dict[str, list[float]], windows: int, speech_s: float, times: int
) -> list[Figure]:
    return [
        Figure(
            what="the engine alone on ready-made windows, in-process",
            value=median(found["engine"]),
            unit="s",
            note=f"{times} min of audio, {windows} windows, {speech_s:.0f} s of speech",
        ),
        Figure(
            what="decoding, voice activity and engine, one after the other, in-process",
            value=median(found["everything"]),
            unit="s",
        ),
        Figure(
            what="through the daemon: hash, decode, find speech, recognise, commit, tell",
            value=median(found["daemon"]),
            unit="s",
            note="the same text",
        ),
        Figure(
            what="daemon / the engine alone",
            value=ratio(found, "daemon", "engine"),
            unit="x",
            most=1.05,
        ),
        Figure(
            what="daemon / everything in-process",
            value=ratio(found, "daemon", "everything"),
            unit="x",
        ),
    ]
