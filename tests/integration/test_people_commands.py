"""Speakers, people and statistics through a real daemon and its command line."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conversations import Talk, talk
from real_daemon import Daemon

from edged import keys
from edged.cli.main import main
from edged.config import Keys
from edged.messages import people, replies, requests
from edged.store import Store, opens, voices

SAID = [
    (0, "walnuts are shiok lah", 0, 6000),
    (1, "pears are better", 6000, 8000),
    (0, "walnuts", 8000, 9000),
]
"""Two voices, as `tests/conversations.py` has it."""


@dataclass
class Kept:
    """A daemon whose store has two talks."""

    daemon: Daemon
    talk: Talk
    other: Talk


@pytest.fixture(scope="module")
def kept() -> Iterator[Kept]:
    home = Path(tempfile.mkdtemp(prefix="edged-", dir="/tmp"))
    daemon = Daemon(home)
    try:
        talks = _fill(daemon)
        daemon.start()
        yield Kept(daemon, *talks)
        daemon.stop()
    finally:
        daemon.kill()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def cli(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """The command line in this process, which starts sooner: the exit status, and stdout."""
    monkeypatch.setenv("EDGED_HOME", str(kept.daemon.home))

    def run(*arguments: str) -> tuple[int, str]:
        return main(arguments), capsys.readouterr().out

    return run


@pytest.fixture
def ask(cli: Callable[..., tuple[int, str]]) -> Callable[..., Any]:
    """The JSON that a command prints."""

    def run(*arguments: str) -> Any:
        status, printed = cli(*arguments, "--json")
        assert status == 0, printed
        return json.loads(printed)

    return run


def _fill(daemon: Daemon) -> tuple[Talk, Talk]:
    """Two talks in a store that no daemon serves yet."""
    paths = daemon.paths
    paths.state.mkdir(mode=0o700, parents=True)
    key = keys.load(paths.key_file, database=paths.database, settings=Keys(), opens=opens)
    store = Store.open(paths.database, key)

    async def fill() -> tuple[Talk, Talk]:
        made = [
            await store.write(partial(talk, said=SAID, at=at))
            for at in ("2026-03-01T10:00:00.000Z", "2026-03-02T10:00:00.000Z")
        ]
        for one in made:
            for number, vector in enumerate((b"\0\0\x80?\0\0\0\0", b"\0\0\0\0\0\0\x80?")):
                await store.write(
                    partial(
                        voices.keep,
                        speaker_id=one.speakers[number],
                        model="titan",
                        vector=vector,
                        days=7,
                    )
                )
        return made[0], made[1]

    try:
        return asyncio.run(fill())
    finally:
        store.close()


def test_speakers_are_claimed_counted_and_wrapped(
    kept: Kept, cli: Callable[..., tuple[int, str]], ask: Callable[..., Any]
) -> None:
    """One story, in order: each step needs the one before."""
    made = kept.talk
    one, two = made.speakers

    listed = ask("speakers", "list", made.session_id)
    claimed = ask("speakers", "claim", one, "--user", "Mei")
    again = cli("speakers", "claim", one, "--self")
    ask("speakers", "claim", two, "--guest", "plumber")
    figures = ask("stats", "--session", made.session_id)
    year = ask("wrapped", "--person", "mei", "--year", "2026")
    nothing = ask("wrapped", "--year", "1999")

    assert set(listed["speakers"][0]) >= {
        "id", "label", "segment_count", "total_duration_ms", "word_counts", "claim_type",
        "claimed_by", "claimed_at", "attributed_to", "guest_name",
    }  # fmt: skip
    assert listed["speakers"][0]["label"] == "SPEAKER_00"
    assert claimed["speakers"][0]["attributed_to"] == "Mei"
    assert again[0] == 25
    assert set(figures) == {"speakers", "totals"}
    assert [(one["kind"], one["name"]) for one in figures["speakers"]] == [
        ("person", "Mei"),
        ("guest", "plumber"),
    ]
    assert figures["totals"]["words"] == 5
    assert set(year) == {
        "year", "person", "sessions", "talk_ms", "words", "top_words", "favourite_word",
        "target_words", "by_month",
    }  # fmt: skip
    assert year["top_words"][0] == {"word": "walnuts", "count": 2}
    assert year["target_words"] == {"lah": 1}
    assert (nothing["words"], len(nothing["by_month"])) == (0, 12)


def test_edits_are_undone_and_voices_matched_and_forgotten(
    kept: Kept, cli: Callable[..., tuple[int, str]], ask: Callable[..., Any]
) -> None:
    """Likewise."""
    made = kept.other
    one, two = made.speakers

    ask("speakers", "split", one, f"{made.recording_id}:0-0")
    ask("speakers", "undo", made.session_id)
    merged = ask("speakers", "merge", one, two)
    undone = ask("speakers", "undo", made.session_id)
    nothing = cli("speakers", "undo", made.session_id)
    ask("speakers", "rename", two, "the guest")
    ask("speakers", "claim", one, "--user", "Ben")
    refused = cli("people", "enroll", "Ben", one)
    enrolled = ask("people", "enroll", "Ben", one, "--consent")
    far = ask("speakers", "matches", two)
    near = ask("speakers", "matches", kept.talk.speakers[0])
    forgotten = ask("people", "forget", "Ben")
    everyone = ask("people", "list")

    assert [len(found["speakers"]) for found in (merged, undone)] == [1, 2]
    assert nothing[0] == 25
    assert refused[0] == 18
    assert enrolled["voice"]
    assert far["reason"] == "the nearest voice has a similarity of 0.00, 0.60 is needed"
    assert near["matches"][0]["matched"]
    assert forgotten["forgotten"] == enrolled["id"]
    assert "Ben" not in {person["name"] for person in everyone["people"]}
    assert everyone["people"][0]["is_me"]


def test_people_are_added_and_renamed_once(
    cli: Callable[..., tuple[int, str]], ask: Callable[..., Any]
) -> None:
    added = ask("people", "add", "Cleo")
    twice = cli("people", "add", "CLEO")
    renamed = ask("people", "rename", "me", "Owner")

    assert added["name"] == "Cleo"
    assert twice[0] == 25
    assert (renamed["name"], renamed["is_me"]) == ("Owner", True)


def test_people_see_tables_and_bars(kept: Kept, cli: Callable[..., tuple[int, str]]) -> None:
    for command, shown in (
        (("speakers", "list", kept.talk.session_id), "SPEAKER_00"),
        (("people", "list"), "(me)"),
        (("stats",), "favourite"),
        (("wrapped", "--year", "2026"), "in 2026"),
        (("speakers", "matches", kept.talk.speakers[1]), "enrolled"),
    ):
        assert shown in cli(*command)[1]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("speakers", "list", "nothing"), 7),
        (("speakers", "unclaim", "nobody"), 7),
        (("speakers", "split", "nobody", "x"), 2),
        (("speakers", "split", "nobody", "4"), 2),
        (("speakers", "split", "nobody", "r:7-4"), 2),
        (("people", "rename", "nobody", "x"), 7),
        (("people", "forget", "me"), 25),
        (("stats", "--since", "yesterday"), 2),
        (("stats", "--session", "nothing"), 7),
        (("wrapped", "--plot", "year.pdf"), 2),
    ],
)
def test_what_is_wrong_has_its_exit_status(
    cli: Callable[..., tuple[int, str]], arguments: tuple[str, ...], status: int
) -> None:
    assert cli(*arguments)[0] == status


def test_a_claim_names_the_client(kept: Kept) -> None:
    daemon, speaker = kept.daemon, kept.other.speakers[1]
    with daemon.client() as client:
        client.ask(requests.Hello(client="notes"), replies.Welcome)
        found = client.ask(
            people.SpeakersClaim(speaker_id=speaker, claim_type="self"), people.Speakers
        )

    claimed = next(one for one in found.speakers if one.id == speaker)
    assert (claimed.claimed_by, claimed.claim_type) == ("notes", "self")
