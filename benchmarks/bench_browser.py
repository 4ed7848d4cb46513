"""What passes between a page of an extension and the daemon, beside a bare echo host in the same browser.

A page in headless Chromium asks through edged's host and through one of twenty lines of Python that says
back what it is told, in turns. Uploads go to the echo host in the same parts, as many on their way.
"""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure, interleaved, percentile, ratio
from edged.bridge.browsers.identity import HOST_NAME

BROWSERS = Path(__file__).parent.parent / "tests" / "browser"
sys.path.insert(0, str(BROWSERS))  # the driver of Chromium lies with the tests that are about it
import builds  # noqa: E402 - needs the line above
import cdp  # noqa: E402 - likewise
import rooms  # noqa: E402 - likewise

TITLE = "The browser bridge: page to host to daemon and back, beside a bare echo host"

TRIPS = 100
"""Of each kind in a round, one after the other."""

LARGE = 100_000
UPLOAD = 20 * 10**6
UPLOAD_WITHIN_S = 60.0
MB = 1e6
UNBOUNDED = str(10**12)
"""Requests and bytes a minute: what a client is allowed by default is not what is measured."""

SMALL_BODY = {"type": "hello", "client": "bench"}


def measure(*, quick: bool) -> list[Figure]:
    """Round trips, larger requests, uploads, memory, the first paint; nothing without Chromium and npm."""
    reason = builds.lacking() or (None if cdp.installed() else "no Chromium here")
    if reason is not None:
        print(f"  left out: {reason}")
        return []
    with _room() as room:
        page = _page(room)
        trips = _trips(page, 3 if quick else 30)
        uploads = _uploads(page, 2 if quick else 8)
        memory = max(rooms.peak_bytes(pid) for pid in room.hosts())
        paint = [_first_paint(room) for _ in range(2 if quick else 7)]
    return [*_of_trips(trips), *_of_uploads(uploads), *_of_rest(memory, paint)]


@contextlib.contextmanager
def _room() -> Iterator[rooms.Room]:
    limits = {
        "EDGED_ACCESS_REQUESTS_PER_MINUTE": UNBOUNDED,
        "EDGED_ACCESS_BYTES_PER_MINUTE": UNBOUNDED,
    }
    with rooms.Room(builds.built(), builds.LIBRARY, **limits) as room:
        (room.probe / "payload.bin").write_bytes(os.urandom(UPLOAD))
        room.daemon.start()
        room.admit_probe()
        yield room


def _page(room: rooms.Room) -> cdp.Page:
    """With a port to either host, the library's client, and what is sent."""
    page = room.probe_page()
    page.evaluate(
        f"void (globalThis.edgeds = new Raw('{HOST_NAME}'), globalThis.bare = new Raw('{rooms.ECHO_NAME}'),"
        "globalThis.edged = new library.Edged({name: 'bench'}),"
        f"globalThis.large = [new Uint8Array({LARGE}).toBase64()])"
    )
    page.evaluate(
        "fetch('payload.bin').then((found) => found.blob()).then((blob) => void (globalThis.payload = blob))"
    )
    return page


def _trips(page: cdp.Page, rounds: int) -> dict[str, list[float]]:
    """Milliseconds, each the median of a round."""
    small = json.dumps(SMALL_BODY)
    asked = {
        "bare": f"timing.trips(bare, {small}, {TRIPS})",
        "edged": f"timing.trips(edgeds, {small}, {TRIPS})",
        "bare, large": f"timing.trips(bare, {{type: 'take'}}, {TRIPS // 10}, large)",
        "edged, large": f"timing.trips(edgeds, {small}, {TRIPS // 10}, large)",
    }
    contestants = {name: _median_of(page, expression) for name, expression in asked.items()}
    for contestant in contestants.values():
        contestant()
    return interleaved(contestants, rounds)


def _median_of(page: cdp.Page, expression: str) -> Callable[[], float]:
    return lambda: median(page.evaluate(expression))


def _once(page: cdp.Page, expression: str) -> Callable[[], float]:
    return lambda: float(page.evaluate(expression, within_s=UPLOAD_WITHIN_S))


def _uploads(page: cdp.Page, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of a whole file."""
    asked = {
        "edged": "timing.uploaded(edged, payload)",
        "echo": "timing.echoed(bare, payload, {type: 'echo'})",
        "take": "timing.echoed(bare, payload, {type: 'take'})",
    }
    contestants = {name: _once(page, expression) for name, expression in asked.items()}
    for contestant in contestants.values():
        contestant()
    return interleaved(contestants, rounds)


def _first_paint(room: rooms.Room) -> float:
    """Milliseconds from the panel's navigation to its first contentful paint."""
    page = room.panel()
    painted: float = page.wait(
        "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
    )
    page.close()
    return painted


def _of_trips(found: dict[str, list[float]]) -> list[Figure]:
    more = [
        ours - theirs
        for ours, theirs in zip(found["edged, large"], found["bare, large"], strict=True)
    ]
    return [
        Figure(what="round trip to a bare echo host, p50", value=median(found["bare"]), unit="ms"),
        Figure(
            what="round trip to the daemon (`hello`), p50",
            value=median(found["edged"]),
            unit="ms",
            note=f"{len(found['edged'])} rounds of {TRIPS}; p95 of the rounds' medians "
            f"{percentile(found['edged'], 95):.2f} ms",
        ),
        Figure(
            what="the same, over the echo host's",
            value=ratio(found, "edged", "bare"),
            unit="x",
            most=1.3,
        ),
        Figure(
            what="a request of 100 kB beyond the echo host's time for it",
            value=median(more),
            unit="ms",
            most=5,
            note=f"{median(found['edged, large']):.2f} ms against {median(found['bare, large']):.2f} ms",
        ),
    ]


def _of_uploads(found: dict[str, list[float]]) -> list[Figure]:
    return [
        Figure(
            what="an upload of 20 MB, committed and encrypted",
            value=median(found["edged"]) / 1000,
            unit="s",
            note="parts of 256 kB, 8 on their way",
        ),
        Figure(
            what="the same, over an echo host that says each part back",
            value=ratio(found, "edged", "echo"),
            unit="x",
            most=1.3,
            note=f"{median(found['echo']) / 1000:.2f} s",
        ),
        Figure(
            what="the same, over an echo host that acknowledges and keeps nothing",
            value=ratio(found, "edged", "take"),
            unit="x",
            note=f"{median(found['take']) / 1000:.2f} s",
        ),
    ]


def _of_rest(memory: int, paint: list[float]) -> list[Figure]:
    sizes = {path.name: path.stat().st_size for path in sorted(builds.DIST.glob("edged-*.*"))}
    return [
        Figure(
            what="the host's memory at its most, all of the above",
            value=memory / MB,
            unit="MB",
            most=30,
        ),
        Figure(what="the side panel's first paint", value=median(paint), unit="ms", most=300),
        *(
            Figure(what=name, value=size / 1000, unit="kB", most=300)
            for name, size in sizes.items()
        ),
    ]
