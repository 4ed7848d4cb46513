"""What tests see of a daemon from outside: processes, descriptors, memory; and audio to give it."""

import os
import subprocess
import wave
from pathlib import Path

import zmq
from real_daemon import Daemon

from edged.bridge.framing import Buffer, pack_request, read_reply
from edged.messages import replies, requests
from edged.messages.records import Segment
from edged.messages.replies import AnyReply
from edged.messages.requests import AnyRequest
from edged.workers import system

RECOGNISER = "pocketsphinx-en-us"
RATE = 16_000


def children(pid: int) -> list[int]:
    """Its child processes."""
    done = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in done.stdout.split()]


def gone(pid: int) -> bool:
    """Whether a process has ended; a zombie has."""
    return system.state_of(pid) in ("", "Z")


def descriptors(daemon: Daemon) -> int:
    """How many files and sockets the daemon holds open."""
    return len(os.listdir(f"/proc/{daemon.pid}/fd"))


def tree_pss(pid: int) -> int:
    """Memory of a process and its children, shared pages counted once. Bytes."""
    return system.pss_bytes(pid) + sum(system.pss_bytes(child) for child in children(pid))


def worker_of(daemon: Daemon, model: str) -> int:
    """The pid of the process that holds a model; 0 when it is not loaded."""
    for one in daemon.ask(requests.ModelsPs(), replies.LoadedModels).models:
        if one.id == model:
            return int(one.pid)
    return 0


def segments_of(daemon: Daemon, recording_id: str) -> tuple[Segment, ...]:
    """A recording's segments, from the store."""
    request = requests.SegmentsList(recording_id=recording_id, limit=1000)
    found: tuple[Segment, ...] = daemon.ask(request, replies.Segments).segments
    return found


def read_pcm(path: Path) -> bytes:
    """The samples of a WAV."""
    with wave.open(str(path)) as file:
        return bytes(file.readframes(file.getnframes()))


def write_wav(path: Path, pcm: bytes) -> Path:
    """16 kHz mono s16le as a WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm)
    return path


class Dealer:
    """A client without manners: it sends what it likes and reads when it likes."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", daemon: Daemon) -> None:
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.RCVHWM, 1)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(daemon.paths.endpoint)

    def send(self, request: AnyRequest, *parts: Buffer, request_id: str = "1") -> None:
        """Ask; copies nothing."""
        self.socket.send_multipart(pack_request(request, parts, request_id=request_id), copy=False)

    def receive(self, within_ms: int = 10_000) -> tuple[str, AnyReply]:
        """The next reply and whose it is."""
        assert self.socket.poll(within_ms), "no reply came"
        envelope, reply, _ = read_reply(self.socket.recv_multipart())
        return envelope.parent_id, reply

    def close(self) -> None:
        """Leave without a word."""
        self.socket.close()
