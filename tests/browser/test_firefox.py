"""The same extension in a real Firefox."""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import panels
import pytest
from bidi import Tab
from pulse import Pulse
from rooms import FirefoxRoom

pytestmark = pytest.mark.timeout(150)

SIZE = 3 * 10**6


@pytest.fixture
def tab(firefox_room: FirefoxRoom) -> Iterator[Tab]:
    """A page of the probe, which is paired, with `edged`, its client."""
    (firefox_room.probe / "payload.bin").write_bytes(os.urandom(SIZE))
    tab = firefox_room.probe_page()
    tab.evaluate("void (globalThis.edged = new library.Edged({name: 'probe'}))")
    yield tab
    tab.evaluate("edged.close()")


def test_a_stranger_in_firefox_is_paired_and_served(firefox_room: FirefoxRoom, tab: Tab) -> None:
    refused = tab.evaluate("edged.request({type: 'recordings.list'}).catch((error) => error.code)")
    assert refused == "not_paired"

    tab.evaluate(
        "void (globalThis.pending = null, globalThis.paired = edged.pair({scopes: ['speech', 'results.read'],"
        "onPairing: (client, fingerprint) => { pending = {client, fingerprint}; }}))"
    )
    shown = tab.wait("pending")
    assert shown["client"]["identity"] == firefox_room.probe_id
    pending = firefox_room.client(firefox_room.probe_id)
    assert pending is not None
    assert pending["fingerprint"] == shown["fingerprint"]

    firefox_room.daemon.json("clients", "approve", pending["client_id"])
    assert tab.evaluate("paired.then((client) => client.status)") == "approved"
    assert tab.evaluate("edged.request({type: 'recordings.list'})")["type"] == "recordings"

    uploaded = tab.evaluate(
        "fetch('payload.bin').then((found) => found.blob()).then((blob) => edged.upload(blob))"
    )
    payload = (firefox_room.probe / "payload.bin").read_bytes()
    assert uploaded["sha256"] == sha256(payload).hexdigest()


def test_firefox_says_why_an_extension_reaches_no_host(tab: Tab) -> None:
    code = tab.evaluate(
        "new library.Edged({name: 'x', connect: () => browser.runtime.connectNative('org.edged.nobody')})"
        ".request({type: 'health'}).catch((error) => error.code)"
    )

    assert code in {"host_not_registered", "origin_denied"}


def test_the_sidebar_of_firefox_is_paired_and_captions_what_its_microphone_hears(
    firefox_room: FirefoxRoom, firefox_sound: Pulse, media: Path
) -> None:
    panel = firefox_room.panel()
    panel.click(panels.ASK)
    words = panel.wait(f"{panels.WORDS}.length === 6 && {panels.WORDS}")
    pending = firefox_room.client(firefox_room.panel_id)
    assert pending is not None
    assert " ".join(words) == pending["fingerprint"]

    firefox_room.daemon.json("clients", "approve", pending["client_id"])
    panel.wait(panels.PAIRED)
    panel.click("#tab-captions")
    panel.click(".captions-screen .button.primary")
    panel.wait("!!document.querySelector('.rec')")
    firefox_sound.begin(media / "speech.wav")

    panel.wait(panels.HEARD)
    panel.click(".captions-screen .button.danger")
    panel.wait("!document.querySelector('.rec')")
