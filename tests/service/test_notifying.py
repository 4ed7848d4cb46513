"""What the user is shown about clients, and what pressing a button does."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import msgspec
from belongings import client, house_at

from edged.config import Paths
from edged.messages.access import STRANGER, Asker, ClientsApprove, Pair, Scope
from edged.messages.replies import AnyReply, Done, Loading
from edged.messages.sessions import StreamOpened
from edged.service import access, capturing
from edged.service.desktop import Shown
from edged.service.house import House
from edged.service.notifying import notify
from edged.store import audit

ORIGIN = "chrome-extension://abcdefghijklmnopabcdefghijklmnop/"
PANEL = Asker(client_id=STRANGER, kind="browser", identity=ORIGIN)
ASKED: tuple[Scope, ...] = ("speech", "capture.microphone")
ANN = client("ann", "capture.microphone", "capture.camera")
WITHIN_S = 10.0


class FakeDesktop:
    """Shows nothing, and presses what the test says."""

    def __init__(self) -> None:
        self.shown: list[Shown] = []
        self.closed = 0
        self._pressed: asyncio.Queue[str] = asyncio.Queue()

    async def show(self, notice: Shown) -> str:
        self.shown.append(notice)
        try:
            return await self._pressed.get()
        except asyncio.CancelledError:
            self.closed += 1
            raise

    def press(self, answer: str) -> None:
        self._pressed.put_nowait(answer)

    async def until_shown(self, count: int = 1) -> Shown:
        await _until(lambda: len(self.shown) >= count)
        return self.shown[count - 1]


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not condition():
            await asyncio.sleep(0.002)


@asynccontextmanager
async def _notified(
    paths: Paths, *, wanted: bool = True
) -> AsyncIterator[tuple[House, FakeDesktop]]:
    desktop = FakeDesktop()
    async with house_at(paths) as whole, asyncio.TaskGroup() as tasks:
        settings = msgspec.structs.replace(whole.config.access, notify=wanted)
        house = replace(whole, config=msgspec.structs.replace(whole.config, access=settings))
        task = tasks.create_task(notify(house, desktop))
        await asyncio.sleep(0)  # it watches from its first step on
        yield house, desktop
        task.cancel()


def _run(
    paths: Paths, scenario: Callable[[House, FakeDesktop], Awaitable[None]], *, wanted: bool = True
) -> None:
    async def main() -> None:
        async with _notified(paths, wanted=wanted) as (house, desktop):
            await scenario(house, desktop)

    asyncio.run(main())


async def _pair(house: House, *, nonce: str = "0" * 32, name: str = "Panel") -> str:
    request = Pair(name=name, scopes=ASKED, nonce=nonce)
    return (await house.known.ask(PANEL, request)).client_id


def _status(house: House, client_id: str) -> str:
    found = house.known.with_id(client_id)
    return "" if found is None else found.status


def test_a_stranger_is_shown_with_its_words_and_approved_by_the_button(paths: Paths) -> None:
    async def scenario(house: House, desktop: FakeDesktop) -> None:
        client_id = await _pair(house)
        shown = await desktop.until_shown()
        asked = house.known.with_id(client_id)
        assert asked is not None
        for part in ("Panel", ORIGIN, asked.fingerprint, "speech, capture.microphone"):
            assert part in shown.text

        desktop.press("approve")
        await _until(lambda: _status(house, client_id) == "approved")

        granted = house.known.with_id(client_id)
        assert granted is not None
        assert granted.scopes == ASKED
        assert granted.expires_at is not None

    _run(paths, scenario)


def test_a_stranger_is_denied_by_the_button(paths: Paths) -> None:
    async def scenario(house: House, desktop: FakeDesktop) -> None:
        client_id = await _pair(house)
        await desktop.until_shown()

        desktop.press("deny")

        await _until(lambda: _status(house, client_id) == "denied")

    _run(paths, scenario)


def test_a_notice_that_is_closed_decides_nothing(paths: Paths) -> None:
    async def scenario(house: House, desktop: FakeDesktop) -> None:
        client_id = await _pair(house)
        await desktop.until_shown()

        desktop.press("")
        house.notices.captures(ANN, ("capture.microphone",))
        await desktop.until_shown(2)

        assert _status(house, client_id) == "pending"
        desktop.press("")

    _run(paths, scenario)


def test_a_button_never_decides_about_what_was_asked_later(paths: Paths) -> None:
    async def scenario(house: House, desktop: FakeDesktop) -> None:
        client_id = await _pair(house)
        await desktop.until_shown()

        await _pair(house, nonce="1" * 32)
        await _until(lambda: desktop.closed)

        assert _status(house, client_id) == "pending"

    _run(paths, scenario)


def test_what_is_decided_elsewhere_closes_the_notice(paths: Paths) -> None:
    async def scenario(house: House, desktop: FakeDesktop) -> None:
        client_id = await _pair(house)
        await desktop.until_shown()

        async for _ in access.approve(house, ClientsApprove(client_id=client_id, scopes=ASKED[:1])):
            pass

        await _until(lambda: desktop.closed)
        assert len(desktop.shown) == 1

    _run(paths, scenario)


def test_a_client_that_captures_is_shown_and_noted(paths: Paths) -> None:
    async def scenario(house: House, desktop: FakeDesktop) -> None:
        capturing.note(house.seen_by(ANN), ("camera", "client", "loopback"))

        shown = await desktop.until_shown()
        await house.known.noted.write()
        entries = await house.store.read(lambda db: audit.page(db, limit=10))

        assert shown.text == "ann uses the microphone and the camera."
        assert [(one.act, one.client_id, one.what) for one in entries] == [
            ("captured", ANN.client_id, "capture.microphone capture.camera")
        ]
        desktop.press("")

    _run(paths, scenario)


def test_a_stream_of_a_device_is_noted_when_it_is_open(paths: Paths) -> None:
    async def replies() -> AsyncGenerator[AnyReply, None]:
        yield Loading(model="m", expected_ms=1)
        yield StreamOpened(stream="s", model="m")
        yield Done()

    async def scenario(house: House, desktop: FakeDesktop) -> None:
        told = capturing.noted(house.seen_by(ANN), "camera", replies())

        assert isinstance(await anext(told), Loading)
        assert not house.notices._waiting
        assert [type(one) async for one in told] == [StreamOpened, Done]
        assert (await desktop.until_shown()).text == "ann uses the camera."
        desktop.press("")

    _run(paths, scenario)


def test_what_the_user_captures_or_a_client_sends_itself_is_no_news(paths: Paths) -> None:
    async def scenario(house: House, desktop: FakeDesktop) -> None:
        capturing.note(house, ("microphone", "camera"))
        capturing.note(house.seen_by(ANN), ("client", "frames"))
        client_id = await _pair(house)

        await desktop.until_shown()

        assert "Panel" in desktop.shown[0].text
        assert _status(house, client_id) == "pending"

    _run(paths, scenario)


def test_a_name_stays_in_its_line(paths: Paths) -> None:
    async def scenario(house: House, desktop: FakeDesktop) -> None:
        house.notices.captures(client("Pan\u2028el\n\nYou won"), ("capture.screen",))

        shown = await desktop.until_shown()

        assert shown.text == "Pan el You won uses the screen."
        desktop.press("")

    _run(paths, scenario)


def test_nothing_is_shown_to_who_wants_no_notices(paths: Paths) -> None:
    async def scenario(house: House, desktop: FakeDesktop) -> None:
        capturing.note(house.seen_by(ANN), ("camera",))
        await _pair(house)
        await asyncio.to_thread(lambda: None)  # what was noticed has had its turn

        assert desktop.shown == []

    _run(paths, scenario, wanted=False)
