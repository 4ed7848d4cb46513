"""Asks a daemon for everything it serves, inside the network namespace that it is started in.

Usage: python isolated.py HOME CLIP, where CLIP is 16 kHz mono WAV; HOME holds the manifest of a
graph `doubler` with x of three float32 in and y of as many out. Prints one JSON object.
"""

import json
import socket
import struct
import sys
import wave
from pathlib import Path
from typing import Any

from real_daemon import Daemon

from edged.media import AudioFormat
from edged.messages import replies, requests
from edged.messages.records import TensorFacts

RECOGNISER = "pocketsphinx-en-us"
RATE = 16_000


def main(home: str, clip: str) -> None:
    """Start, ask, stop, print."""
    daemon = Daemon(Path(home))
    try:
        daemon.start()
        found = {"interfaces": _interfaces(), "network": _network(), **_served(daemon, clip)}
        found["status"] = daemon.stop()
    finally:
        daemon.kill()
    print(json.dumps(found))


def _interfaces() -> list[str]:
    return [name for _, name in socket.if_nameindex() if name != "lo"]


def _network() -> str:
    """What becomes of a connection to elsewhere; the address is one of documentation's."""
    with socket.socket() as probe:
        probe.settimeout(1)
        try:
            probe.connect(("192.0.2.1", 80))
        except OSError as error:
            return error.strerror or str(error)
    return "connected"


def _served(daemon: Daemon, clip: str) -> dict[str, Any]:
    ask = daemon.ask
    said = daemon.json("transcribe", clip, "--model", RECOGNISER)
    job_id = ask(requests.JobsSubmit(path=clip, model=RECOGNISER), replies.OneJob).job.job_id
    return {
        "health": daemon.health().status,
        "spans": len(_speech(daemon, clip)),
        "text": " ".join(segment["text"] for segment in said["segments"]),
        "hits": len(ask(requests.TranscriptsSearch(query="kitchen"), replies.Hits).hits),
        "job": daemon.wait(lambda: _ended(daemon, job_id)),
        "models": len(ask(requests.ModelsList(), replies.Models).models),
        "inferred": _inferred(daemon),
        "loaded": _loaded(daemon),
    }


def _speech(daemon: Daemon, clip: str) -> tuple[Any, ...]:
    with wave.open(clip) as audio:
        pcm = audio.readframes(RATE * 6)
    request = requests.Vad(audio=AudioFormat(sample_rate=RATE))
    reply: replies.VadResult = daemon.ask(request, replies.VadResult, pcm)
    return reply.speech


def _inferred(daemon: Daemon) -> list[float]:
    """What a graph makes of 1, 2, 3."""
    facts = TensorFacts(name="x", dtype="float32", shape=(1, 3))
    request = requests.Infer(model="doubler", tensors=(facts,))
    with daemon.client() as client:
        for reply, parts in client.stream(request, [struct.pack("<3f", 1, 2, 3)]):
            if isinstance(reply, replies.Tensors):
                return list(struct.unpack("<3f", parts[0]))
    raise AssertionError("no tensors came")


def _ended(daemon: Daemon, job_id: str) -> str:
    """The job's state, once it is its last."""
    state: str = daemon.ask(requests.JobsGet(job_id=job_id), replies.OneJob).job.state
    return state if state in {"done", "failed", "cancelled"} else ""


def _loaded(daemon: Daemon) -> list[str]:
    """What is in memory after one model was unloaded and loaded again."""
    daemon.ask(requests.ModelsUnload(model=RECOGNISER), replies.Done)
    with daemon.client() as client:
        for _ in client.stream(requests.ModelsLoad(model=RECOGNISER)):
            pass
    found = daemon.ask(requests.ModelsPs(), replies.LoadedModels)
    return sorted(model.id for model in found.models)


if __name__ == "__main__":
    main(*sys.argv[1:])
