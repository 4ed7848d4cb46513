"""Lexicons, search and exports through a running daemon."""

import json
from pathlib import Path

import pytest
from msgspec import convert
from real_daemon import Daemon

from edged.messages import replies, requests
from edged.messages.records import Hit
from edged.messages.sessions import Exported, ExportFormat, SessionsExport
from edged.speech.exporting import FORMATS

COMMON = [
    "the",
    "a",
    "to",
    "and",
    "of",
    "i",
    "you",
    "it",
    "is",
    "in",
    "that",
    "we",
    "for",
    "on",
    "have",
    "be",
    "this",
    "what",
    "do",
    "not",
    "but",
    "at",
    "with",
]
"""Words of which any recogniser hears one in a few seconds of English."""


def _own(daemon: Daemon, name: str, rest: str) -> None:
    folder = daemon.paths.lexicons
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.toml").write_text(f'name = "{name}"\n{rest}\n')


def test_singlish_is_applied_as_the_command_line_asks(shared_daemon: Daemon) -> None:
    text = "while up why you do that la"

    found = shared_daemon.json("lexicon", "apply", text, "--lexicon", "singlish")
    muted = shared_daemon.json(
        "lexicon", "apply", text, "--lexicon", "singlish", "--lexicon=-singlish.vulgar"
    )

    corrected = "walao why you do that lah"
    assert found == {"text": text, "corrected": corrected, "counts": {"walao": 1, "lah": 1}}
    assert muted == {"text": text, "corrected": corrected, "counts": {"lah": 1}}
    shown = shared_daemon.run("lexicon", "apply", text, "--lexicon", "singlish").stdout.decode()
    assert shown.splitlines()[0] == corrected


def test_a_lexicon_is_shown_as_it_is_written(shared_daemon: Daemon) -> None:
    _own(shared_daemon, "mine", '[corrections]\n"may ling" = "Mei Ling"\n[categories]\na = ["b"]')

    found = shared_daemon.json("lexicon", "show", "mine")
    listed = shared_daemon.run("lexicon", "list").stdout.decode()

    assert (found["corrections"], found["categories"]) == ({"may ling": "Mei Ling"}, {"a": ["b"]})
    assert "mine" in listed
    assert "particles 7" in listed
    assert b"may ling" in shared_daemon.run("lexicon", "show", "mine").stdout


def test_a_wrong_lexicon_is_listed_with_its_line_and_the_others_work(shared_daemon: Daemon) -> None:
    _own(shared_daemon, "bad", "[corrections]\nla = 3")

    listed = shared_daemon.json("lexicon", "list")["lexicons"]
    used = shared_daemon.run("lexicon", "apply", "la", "--lexicon", "bad", "--json")
    unknown = shared_daemon.run("lexicon", "apply", "la", "--lexicon", "gone", "--json")

    problems = {one["name"]: one["problem"] for one in listed}
    assert "bad.toml, line 3: field `corrections.la`" in problems["bad"]
    assert problems["singlish"] == ""
    assert json.loads(used.stdout)["error"]["code"] == "config_error"
    assert json.loads(unknown.stdout)["error"]["code"] == "not_found"
    assert shared_daemon.json("lexicon", "apply", "la", "--lexicon", "singlish")["counts"]


@pytest.mark.speech
def test_a_watched_folder_corrects_and_both_texts_are_found_and_exported(
    shared_daemon: Daemon, clip: Path, tmp_path: Path
) -> None:
    corrections = "".join(f'{word} = "zyzzyva"\n' for word in COMMON)
    _own(shared_daemon, "town", f"[corrections]\n{corrections}")
    folder = tmp_path / "watched"
    folder.mkdir()

    added = shared_daemon.json("watch", "add", str(folder), "--lexicon", "town")
    (folder / "talk.wav").write_bytes(clip.read_bytes()[:150_000])
    (hit, *_) = shared_daemon.wait(lambda: _hits(shared_daemon, "zyzzyva"))

    assert added["folders"][0]["lexicons"] == ["town"]
    assert "[zyzzyva]" in hit.snippet
    _raw_text_is_found(shared_daemon, hit)
    _filters_narrow(shared_daemon, str(hit.session_id))
    _exports_hold(shared_daemon, str(hit.session_id), tmp_path)


def _raw_text_is_found(daemon: Daemon, hit: Hit) -> None:
    request = requests.SegmentsList(recording_id=hit.recording_id, after_seq=hit.seq - 1)
    segment = daemon.ask(request, replies.Segments).segments[0]
    word = next(word for word in segment.raw.lower().split() if word in COMMON)

    raw = _hits(daemon, word, session_id=str(hit.session_id))

    assert any(f"[{word}]" in one.snippet.lower() for one in raw)
    assert all("zyzzyva" in one.text for one in raw)


def _hits(daemon: Daemon, query: str, **filters: str) -> tuple[Hit, ...]:
    request = convert({"query": query, **filters}, requests.TranscriptsSearch)
    found: replies.Hits = daemon.ask(request, replies.Hits)
    return found.hits


def _filters_narrow(daemon: Daemon, session: str) -> None:
    for name, there, absent in (
        ("session_id", session, "0" * 16),
        ("group", "", "other"),
        ("language", "en", "xx"),
        ("since", "2020-01-01", "2920-01-01"),
        ("until", "2920-01-01", "2020-01-01"),
    ):
        assert _hits(daemon, "zyzzyva", **{name: there})
        assert _hits(daemon, "zyzzyva", **{name: absent}) == ()
    common = ("search", "zyzzyva", "--session", session, "--group", "", "--language", "en")
    found = daemon.json(*common, "--since", "2020-01-01", "--until", "2920-01-01")
    assert (found["hits"][0]["session_id"], found["pending"]) == (session, [])
    assert _hits(daemon, "zyzzyva", speaker="nobody") == ()
    assert _hits(daemon, "zyzzyva", emotion="happy") == ()
    refused = daemon.run("search", "zyzzyva", "--since", "tomorrow", "--json")
    assert json.loads(refused.stdout)["error"]["code"] == "bad_request"


def _exports_hold(daemon: Daemon, session: str, folder: Path) -> None:
    written = {name: _exported(daemon, session, name) for name in FORMATS}
    assert all(b"zyzzyva" in content for name, content in written.items() if name != "rttm")
    assert json.loads(written["json"])["session_id"] == session
    out = folder / "out.srt"
    export = ("sessions", "export", session, "--format", "srt")
    assert daemon.json(*export, "--out", str(out)) == {
        "path": str(out),
        "size_bytes": len(written["srt"]),
    }
    assert out.read_bytes() == daemon.run(*export).stdout == written["srt"]


def _exported(daemon: Daemon, session: str, name: ExportFormat) -> bytes:
    request = SessionsExport(session_id=session, format=name)
    with daemon.client() as client:
        ((reply, parts),) = client.stream(request)
    assert isinstance(reply, Exported)
    assert reply.size_bytes == sum(map(len, parts))
    return b"".join(parts)
