"""What does listening cost, how big is what is kept, and how far do two sources drift apart?

The microphone is a PulseAudio null sink with a faint hiss, which is loud enough to be looked at for
speech: capture worker, daemon and voice activity detection work all the time, the recogniser never.
The sound server's own time is not counted.
"""

import time

import numpy as np

from benchmarks import sounds, soundserver
from benchmarks.figures import Figure
from benchmarks.processes import children, cpu_seconds
from benchmarks.served import Served
from edged.capture.encoder import encode
from edged.capture.line import Line
from edged.capture.orders import CaptureOrder
from edged.capture.tap import Block
from edged.messages import sessions

TITLE = "Capture: listening all day, and staying on the clock"

SETTLED_S = 12.0
WATCHED_S = 60.0
HOUR_S = 3_600
DAY_S = 86_400
BLOCK_S = 0.1


def measure(*, quick: bool) -> list[Figure]:
    """Processor time of a live session; megabytes of a day; the clocks of a simulated hour."""
    found = _day()
    found.append(_drift(HOUR_S // 12 if quick else HOUR_S))
    if not soundserver.available():
        print("no PulseAudio here: what listening costs is not measured")
        return found
    return _cost(WATCHED_S / 4 if quick else WATCHED_S) + found


def _cost(watched_s: float) -> list[Figure]:
    with soundserver.hissing() as variables:
        return [_live_cost(variables, watched_s, live=live) for live in (True, False)]


def _live_cost(variables: dict[str, str], watched_s: float, *, live: bool) -> Figure:
    with Served(**variables) as daemon, daemon.client() as client:
        client.ask(sessions.SessionsStart(live=live), sessions.OneSession)
        time.sleep(SETTLED_S)
        before = _used_s(daemon.pid)
        time.sleep(watched_s)
        return _share((_used_s(daemon.pid) - before) / watched_s, live=live)


def _used_s(pid: int) -> float:
    return sum(cpu_seconds(one) for one in [pid, *children(pid)])


def _share(share: float, *, live: bool) -> Figure:
    what = "capture, Opus, encrypted store and voice activity" if live else "the same without live"
    return Figure(
        what=f"{what}: daemon and workers, of one core",
        value=share * 100,
        unit="%",
        most=3 if live else None,
        note="16 kHz mono, hiss at -50 dB",
    )


def _day() -> list[Figure]:
    """A day of talking without a pause, in chunks as they are kept."""
    pcm = np.frombuffer(sounds.pcm(sounds.CONVERSATION), "<i2").reshape(-1, 1)
    chunks = [pcm[first : first + 30 * 16_000] for first in range(0, len(pcm), 30 * 16_000)]
    size = sum(len(encode(chunk, "opus", 16_000)) for chunk in chunks)
    day = size / (len(pcm) / 16_000) * DAY_S / 1e6
    return [
        Figure(
            what="24 h of Opus, 16 kHz mono, of the conversation",
            value=day,
            unit="MB",
            most=350,
            note=f"{size * 8 / (len(pcm) / 16):.1f} kbit/s",
        )
    ]


def _drift(seconds: int) -> Figure:
    """Two devices, one of them 15 Hz slow: how far a click of one is from the other's at the most."""
    one, other = (_clicks(seconds, rate) for rate in (48_000, 47_985))
    apart = np.abs(one - other)
    return Figure(
        what=f"sources at 48,000 and 47,985 Hz: apart at most in {seconds // 60} simulated minutes",
        value=float(apart.max()),
        unit="ms",
        most=30,
        note=f"without correction {seconds * 15 / 48:.0f} ms; median {np.median(apart):.2f} ms",
    )


def _clicks(seconds: int, true_rate: float) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Where each second's click is in the models' copy, in ms from its middle."""
    order = CaptureOrder(devices=("",), origin_ns=0, codec="flac")
    line, size, parts, first = Line(order, 48_000, 1), int(48_000 * BLOCK_S), [], -1
    for number in range(int(seconds / BLOCK_S)):
        at = (number * size + np.arange(size)) / true_rate
        pcm = np.where(np.abs(at % 1.0 - 0.5) < 0.001, 20_000, 0).astype("<i2")
        line.feed(Block(pcm.tobytes(), int((number + 1) * size / true_rate * 1e9)))
        while heard := line.take():
            first = heard.start if first < 0 and heard.pcm else first
            parts.append(heard.pcm)
    samples = np.frombuffer(b"".join(parts), "<i2").astype(np.float32) ** 2
    places = np.arange(16_000)
    whole = range(first // 16_000 + 1, seconds - 2)
    around = (samples[second * 16_000 - first :][:16_000] for second in whole)
    return np.array([float(one @ places / one.sum()) / 16 - 500 for one in around])
