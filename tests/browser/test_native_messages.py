"""What passes between an extension and the host in a real Chromium, message by message."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from cdp import Page
from rooms import Room, peak_bytes

from edged.bridge.browsers.identity import HOST_NAME

MIB = 2**20
HOST = f"'{HOST_NAME}'"

pytestmark = pytest.mark.timeout(150)


@pytest.fixture
def page(room: Room) -> Iterator[Page]:
    """A page of the approved probe with a bare port `raw`."""
    room.admit_probe()
    page = room.probe_page()
    page.evaluate(f"void (globalThis.raw = new Raw({HOST}))")
    yield page
    page.close()


def test_the_host_says_first_that_it_has_the_daemon_and_whom_it_serves(
    room: Room, page: Page
) -> None:
    said = page.evaluate("raw.next()")["host"]

    assert said["type"] == "ready"
    assert said["protocol"] == 1
    assert said["origin"] == room.probe_origin


def test_a_request_is_answered_by_its_id(page: Page) -> None:
    answer = page.evaluate("raw.ask('one', {type: 'health'})")

    assert answer["parent_id"] == "one"
    assert answer["body"]["type"] == "health"


@pytest.mark.parametrize("size", [MIB - 1, MIB, MIB + 1])
def test_a_request_of_about_one_mebibyte_arrives_whole(page: Page, size: int) -> None:
    page.evaluate(f"void (globalThis.asked = sizes.request({size}, 1))")

    page.evaluate("void raw.port.postMessage(asked)")

    assert page.evaluate("JSON.stringify(asked).length") == size
    assert page.evaluate("raw.reply(asked.id).then(sizes.doubled)") is True


@pytest.mark.parametrize("size", [MIB - 1, MIB, MIB + 1])
def test_a_reply_of_about_one_mebibyte_arrives_whole(page: Page, size: int) -> None:
    page.evaluate(f"sizes.reply(raw, {size}).then((found) => void (globalThis.found = found))")

    assert page.evaluate("found.length") == size
    assert page.evaluate("sizes.doubled(found)") is True
    assert page.evaluate("raw.pieces") >= 2


def test_a_request_that_is_too_large_is_refused_and_the_next_one_served(page: Page) -> None:
    page.evaluate(
        "void raw.port.postMessage({v: 1, id: 'huge', body: {type: 'health'}, parts: ['A'.repeat(9 << 20)]})"
    )

    refused = page.evaluate("raw.next((one) => one.body?.type === 'error')")
    served = page.evaluate("raw.ask('next', {type: 'health'})")
    assert refused["body"]["code"] == "too_large"
    assert served["body"]["type"] == "health"


def test_what_an_extension_says_of_its_own_origin_is_not_believed(room: Room, page: Page) -> None:
    claimed = f"{{origin: '{room.foreign_origin}', token: 'x'}}"

    answer = page.evaluate(f"raw.ask('liar', {{type: 'clients.self'}}, {claimed})")

    assert answer["body"]["client"]["identity"] == room.probe_origin


def test_an_extension_that_no_manifest_names_starts_no_host(room: Room) -> None:
    page = room.foreign_page()

    ended = page.evaluate(f"(globalThis.raw = new Raw({HOST})).next().then(() => raw.ended)")

    assert ended == "Access to the specified native messaging host is forbidden."
    page.close()


def test_a_web_page_cannot_reach_a_host_at_all(room: Room, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<!doctype html><p>A page.</p>")
    page = room.browser.open((tmp_path / "page.html").as_uri())

    assert page.evaluate("typeof globalThis.chrome?.runtime?.connectNative") == "undefined"
    assert page.evaluate("typeof globalThis.chrome?.runtime?.sendNativeMessage") == "undefined"
    page.close()


def test_a_host_stays_small_while_nobody_takes_its_answers(room: Room, page: Page) -> None:
    page.evaluate("raw.ask('first', {type: 'health'})")
    others = room.hosts()
    page.evaluate(f"void (globalThis.deaf = new Raw({HOST}, {{deaf: true}}))")
    page.evaluate("deaf.ask('first', {type: 'health'})")
    (host,) = room.hosts() - others

    page.evaluate(
        f"{{ for (let at = 0; at < 30; at++) deaf.port.postMessage(sizes.request({MIB}, at)); }}"
    )
    page.wait("deaf.seen >= 5")

    assert page.evaluate("raw.ask('still', {type: 'health'})")["body"]["type"] == "health"
    assert peak_bytes(host) <= 30e6
    assert page.evaluate("deaf.sent") <= 6 * MIB
    page.evaluate("deaf.close()")
    room.wait(lambda: host not in room.hosts())


def test_a_host_that_is_killed_ends_the_port_and_the_next_one_is_served(
    room: Room, page: Page
) -> None:
    page.evaluate("raw.ask('first', {type: 'health'})")
    others = room.hosts()
    page.evaluate(f"void (globalThis.raw = new Raw({HOST}))")
    page.evaluate("raw.ask('first', {type: 'health'})")
    (host,) = room.hosts() - others

    os.kill(host, signal.SIGKILL)

    page.wait("raw.ended !== null")
    assert page.evaluate("raw.ended") == "Native host has exited."
    again = page.evaluate(f"(globalThis.raw = new Raw({HOST})).ask('again', {{type: 'health'}})")
    assert again["body"]["type"] == "health"
