"""Files go from an extension to the daemon whole, whatever ends in the middle."""

import hashlib
import os
import signal
from collections.abc import Iterator

import pytest
from cdp import Page
from rooms import Room, peak_bytes

SIZE = 20 * 10**6
PAUSE_AT = 5 * 10**6
MOST_HOST_BYTES = 30e6

pytestmark = pytest.mark.timeout(150)


@pytest.fixture
def payload(room: Room) -> bytes:
    """Twenty megabytes of noise, where the probe finds them."""
    data = os.urandom(SIZE)
    (room.probe / "payload.bin").write_bytes(data)
    return data


@pytest.fixture
def page(room: Room) -> Iterator[Page]:
    """A page of the approved probe with `edged`, its client, and `payload`."""
    room.admit_probe()
    page = room.probe_page()
    page.evaluate("chrome.storage.session.clear()")
    page.evaluate("void (globalThis.edged = new library.Edged({name: 'probe page'}))")
    yield page
    page.evaluate("edged.close()")
    page.close()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_twenty_megabytes_arrive_as_they_were_and_the_host_stays_small(
    room: Room, page: Page, payload: bytes
) -> None:
    others = room.hosts()
    page.evaluate("edged.request({type: 'health'})")
    (host,) = room.hosts() - others

    uploaded = page.evaluate(
        "fetch('payload.bin').then((found) => found.blob()).then((blob) => edged.upload(blob))"
    )

    assert uploaded["size_bytes"] == SIZE
    assert uploaded["sha256"] == _digest(payload)
    assert peak_bytes(host) <= MOST_HOST_BYTES


def test_an_upload_goes_on_after_its_service_worker_was_killed(
    room: Room, page: Page, payload: bytes
) -> None:
    page.evaluate("void chrome.runtime.sendMessage('upload').catch(() => {})")
    page.wait(f"chrome.storage.session.get().then((kept) => kept.received >= {PAUSE_AT})")
    (worker,) = room.browser.targets("service_worker", starts=room.probe_origin)

    room.browser.call("Target.closeTarget", targetId=worker["targetId"])
    room.wait(lambda: not room.browser.targets("service_worker", starts=room.probe_origin))
    page.evaluate("void chrome.runtime.sendMessage('upload').catch(() => {})")

    kept = page.wait(
        "chrome.storage.session.get().then((kept) => (kept.uploaded || kept.error) && kept)"
    )
    assert "error" not in kept
    assert kept["from"] >= PAUSE_AT, "it began anew"
    assert kept["from"] < SIZE, "it was over before the worker was killed"
    assert kept["uploaded"]["sha256"] == _digest(payload)


def test_an_upload_goes_on_after_its_host_was_killed(
    room: Room, page: Page, payload: bytes
) -> None:
    others = room.hosts()
    page.evaluate(
        "void (globalThis.opened = [], globalThis.received = 0, globalThis.done = fetch('payload.bin')"
        ".then((found) => found.blob()).then((blob) => edged.upload(blob, {"
        "onOpened: (one) => opened.push(one.received), onProgress: (bytes) => { received = bytes; }})))"
    )
    page.wait(f"received >= {PAUSE_AT}")
    (host,) = room.hosts() - others

    os.kill(host, signal.SIGKILL)

    assert page.evaluate("done.then((uploaded) => uploaded.sha256)") == _digest(payload)
    opened = page.evaluate("opened")
    assert len(opened) == 2
    assert PAUSE_AT <= opened[1] < SIZE
