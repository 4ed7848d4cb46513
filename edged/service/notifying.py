"""Tells the user, where there is a desktop, who asks to be paired and who listens or looks.

On a box without a desktop nobody is told: there, what was granted was granted on the box itself. A
button decides exactly what was shown; a client that asks for something else meanwhile asks anew.
"""

import asyncio
import logging
from contextlib import aclosing
from typing import Final

from edged.errors import EdgedError
from edged.messages.access import SCOPES, ClientsApprove, ClientsDeny, KnownClient, Scope
from edged.service import access
from edged.service.desktop import Desktop, NotifySend, Shown
from edged.service.house import House
from edged.service.notices import Asks, Captures, Notice, key_of, question, wanted

log = logging.getLogger(__name__)

MOST_SHOWN: Final = 4
"""Notices at once: each is a child process. Further ones wait, and are lost when too many do."""

MOST_ASKED: Final = 3
"""Of them, questions, which stay long; further ones are left to `edged clients list`."""

APPROVE: Final = "approve"
DENY: Final = "deny"

_DEVICES: Final[dict[Scope, str]] = {
    "capture.microphone": "the microphone",
    "capture.camera": "the camera",
    "capture.screen": "the screen",
}


async def notify(house: House, desktop: Desktop | None = None) -> None:
    """Show notices as they come, until cancelled.

    Args:
        house: whose notices.
        desktop: where; None: on the user's.
    """
    shown_on = desktop or NotifySend()
    places = asyncio.Semaphore(MOST_SHOWN)
    if house.config.access.notify:
        house.known.watch(house.notices.hear)
    asked: set[asyncio.Task[None]] = set()
    async with asyncio.TaskGroup() as tasks:
        while True:
            notice = await house.notices.next()
            if isinstance(notice, Asks) and len(asked) >= MOST_ASKED:
                continue
            await places.acquire()
            task = tasks.create_task(_show(house, shown_on, notice), name="notice")
            task.add_done_callback(lambda _: places.release())
            if isinstance(notice, Asks):
                asked.add(task)
                task.add_done_callback(asked.discard)


async def _show(house: House, desktop: Desktop, notice: Notice) -> None:
    if not house.config.access.notify:
        return
    if isinstance(notice, Captures):
        await desktop.show(_capture(notice))
        return
    key = key_of(notice.client)
    await asyncio.sleep(house.notices.pause_s(key))
    house.notices.told(key)
    client = house.known.with_id(notice.client.client_id)
    if client is None or not wanted(client):
        return
    answer = await _asked(house, desktop, client)
    try:
        await _decide(house, client, answer)
    except EdgedError as error:  # the store is full: the client waits on
        log.warning("a client could not be decided about: %s", error.code)


async def _asked(house: House, desktop: Desktop, client: KnownClient) -> str:
    """What the user pressed; empty also when it was decided elsewhere, which closes the notice."""
    loop = asyncio.get_running_loop()
    shown = loop.create_task(desktop.show(_asking(client)))
    decided = loop.create_task(_until_decided(house, client))
    try:
        await asyncio.wait((shown, decided), return_when=asyncio.FIRST_COMPLETED)
        return shown.result() if shown.done() else ""
    finally:
        shown.cancel()
        decided.cancel()
        await asyncio.wait((shown, decided))


async def _until_decided(house: House, asked: KnownClient) -> None:
    states = house.known.states(asked.client_id, pause_s=60.0)
    async with aclosing(states):
        async for client in states:
            if client is None or question(client) != question(asked):
                return


async def _decide(house: House, asked: KnownClient, answer: str) -> None:
    """Do what was pressed, if it is still what was asked."""
    client = house.known.with_id(asked.client_id)
    if client is None or question(client) != question(asked):
        return
    if answer == APPROVE:
        granted = {*client.scopes, *wanted(client)}
        scopes = tuple(scope for scope in SCOPES if scope in granted)
        replies = access.approve(house, ClientsApprove(client_id=client.client_id, scopes=scopes))
    elif answer == DENY and client.status == "pending":
        replies = access.deny(house, ClientsDeny(client_id=client.client_id))
    else:
        return
    async with aclosing(replies):
        async for _ in replies:
            log.info("a client was decided about on the desktop: %s", answer)


def _capture(notice: Captures) -> Shown:
    devices = " and ".join(_DEVICES[scope] for scope in notice.scopes if scope in _DEVICES)
    return Shown(title="edged records", text=f"{_plain(notice.name)} uses {devices}.")


def _asking(client: KnownClient) -> Shown:
    """What is asked for; a client that is known is not denied all for asking for more."""
    words = f"Its words: {client.fingerprint}\n" if client.fingerprint else ""
    buttons = ((APPROVE, "Approve"), (DENY, "Deny"))
    return Shown(
        title="edged: somebody asks to be let in",
        text=(
            f"{_plain(client.name)} ({_plain(client.identity)}) wants: "
            f"{', '.join(wanted(client))}\n{words}"
            "Approve only what you asked for yourself, and only if it shows the same words."
        ),
        buttons=buttons if client.status == "pending" else buttons[:1],
    )


def _plain(text: str) -> str:
    """In one line: a name that a client chose must not look like more than a name."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
