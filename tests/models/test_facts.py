"""What is recommended for a machine, and what is told of a file."""

import msgspec
import pytest

from edged.messages.records import Problem
from edged.models.facts import file_record, recommended
from edged.models.lockfile import Entry
from edged.models.manifest import Manifest, ManifestFile

HASH = "0" * 64


def model(name: str, rank: float, **facts: object) -> Manifest:
    plain: dict[str, object] = {
        "id": name,
        "task": "transcribe",
        "engine": "silero",
        "description": "",
        "license": "MIT",
        "memory_bytes": 100,
        "rank": rank,
    }
    return msgspec.convert(plain | facts, Manifest)


def problem(code: str) -> Problem:
    return Problem(code=code, message="")


def test_the_best_that_fits_and_runs_is_recommended_for_each_task() -> None:
    models = [
        model("good", 0.5),
        model("best", 0.9),
        model("huge", 0.95, memory_bytes=1_000),
        model("later", 0.96),
        model("no-engine", 0.97),
        model("gated", 0.98, terms=["gated"]),
        model("nc", 0.99, terms=["non_commercial"]),
        model("vad", 0.1, task="vad"),
    ]
    problems = {
        "best": problem("model_missing"),
        "later": problem("unsupported"),
        "no-engine": problem("engine_missing"),
    }

    assert recommended(models, problems, room=500) == {"best", "vad"}
    assert recommended(models, problems, room=0) == {"huge", "vad"}
    assert recommended(models, problems, room=10) == frozenset()


def entry() -> Entry:
    plain = {"sha256": "f" * 64, "bytes": 7, "source": "h", "first_seen": "2026-11-21T00:00:00Z"}
    return msgspec.convert(plain, Entry, strict=False)


@pytest.mark.parametrize(
    ("facts", "recorded", "trust", "sha256", "size_bytes"),
    [
        ({"sha256": HASH, "bytes": 3}, False, "stated", HASH, 3),
        ({"sha256": HASH, "bytes": 3}, True, "stated", HASH, 3),
        ({}, True, "recorded", "f" * 64, 7),
        ({}, False, "first_use", "", 0),
        (
            {"sources": [{"kind": "archive", "url": "https://h/a", "member": "m", "sha256": HASH}]},
            False,
            "held",
            "",
            0,
        ),
    ],
)
def test_a_file_says_why_its_content_is_known(
    facts: dict[str, object], recorded: bool, trust: str, sha256: str, size_bytes: int
) -> None:
    file = msgspec.convert({"name": "m"} | facts, ManifestFile)

    record = file_record(file, entry() if recorded else None, found=True)

    assert (record.trust, record.sha256, record.size_bytes) == (trust, sha256, size_bytes)


def test_sources_are_told_in_words_but_not_where_a_users_file_lies() -> None:
    sources = [
        {"kind": "https", "url": "https://h/m"},
        {"kind": "archive", "url": "https://h/a", "member": "x/m"},
        {"kind": "pypi", "wheel": "a-1-py3-none-any.whl", "sha256": HASH, "member": "a/m"},
        {"kind": "file", "path": "/home/me/secret"},
        {"kind": "dir", "path": "/media/stick"},
    ]
    built = {"builder": "quantize", "ingredients": [{"name": "fp32"}, {"name": "other"}]}

    told = file_record(
        msgspec.convert({"name": "m", "sources": sources}, ManifestFile), None, found=False
    )
    made = file_record(
        msgspec.convert({"name": "m", "build": built}, ManifestFile), None, found=False
    )

    assert told.sources == (
        "https://h/m",
        "https://h/a # x/m",
        "pypi a-1-py3-none-any.whl # a/m",
        "a file on this machine",
        "a file on this machine",
    )
    assert made.sources == ("made by quantize of fp32, other",)
