"""Notices by a program that stands in for notify-send."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from fake_notify_send import FakeNotifySend

from edged.service.desktop import NotifySend, Shown

QUESTION = Shown(
    title="edged: somebody asks",
    text="-x <b>Panel</b> & co",
    buttons=(("approve", "Approve"), ("deny", "Deny")),
)


def _show(fake: FakeNotifySend, notice: Shown = QUESTION) -> str:
    return asyncio.run(NotifySend(fake.environ).show(notice))


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def test_the_button_that_was_pressed_is_the_answer(tmp_path: Path) -> None:
    fake = FakeNotifySend(tmp_path, answer="approve")

    assert _show(fake) == "approve"
    (arguments,) = fake.shown
    assert "--action=approve=Approve" in arguments
    assert "--action=deny=Deny" in arguments


def test_what_a_client_calls_itself_is_neither_markup_nor_an_option(tmp_path: Path) -> None:
    fake = FakeNotifySend(tmp_path)
    _show(fake)

    (arguments,) = fake.shown
    dashes = arguments.index("--")
    assert arguments[dashes + 1 : dashes + 3] == [
        "edged: somebody asks",
        "-x &lt;b&gt;Panel&lt;/b&gt; &amp; co",
    ]


def test_the_child_is_told_no_secret_of_the_environment(tmp_path: Path) -> None:
    fake = FakeNotifySend(tmp_path)
    _show(fake)

    (arguments,) = fake.shown
    assert "env:DBUS_SESSION_BUS_ADDRESS" in arguments
    assert not [one for one in arguments if one.startswith("env:EDGED")]


def test_an_answer_that_was_not_offered_is_none(tmp_path: Path) -> None:
    assert _show(FakeNotifySend(tmp_path, answer="grant everything")) == ""


def test_an_old_notify_send_only_tells(tmp_path: Path) -> None:
    fake = FakeNotifySend(tmp_path, answer="approve", buttons=False)

    assert _show(fake) == ""
    (arguments,) = fake.shown
    assert not [one for one in arguments if one.startswith("--action")]


def test_without_a_desktop_or_its_program_nothing_is_shown(tmp_path: Path) -> None:
    fake = FakeNotifySend(tmp_path, answer="approve")
    headless = {"PATH": fake.environ["PATH"], "XDG_RUNTIME_DIR": str(tmp_path / "none")}
    bare = fake.environ | {"PATH": str(tmp_path / "none")}

    assert asyncio.run(NotifySend(headless).show(QUESTION)) == ""
    assert asyncio.run(NotifySend(bare).show(QUESTION)) == ""
    assert fake.shown == []


def test_a_question_that_is_withdrawn_closes_its_notice(tmp_path: Path) -> None:
    fake = FakeNotifySend(tmp_path, answer="wait")

    async def main() -> None:
        async with asyncio.TaskGroup() as tasks:
            shown = tasks.create_task(NotifySend(fake.environ).show(QUESTION))
            await _until(lambda: fake.shown)
            shown.cancel()

    asyncio.run(main())

    assert fake.closed
