"""What a schema cannot see: every finding names the model and the field."""

import msgspec
import pytest

from edged.models.engines.inference import PLAIN_TASKS
from edged.models.lint import GRAPH_TASKS, examine, lint
from edged.models.manifest import Manifest
from edged.models.presets import PRESETS

WHEEL = "edged_test-1.0-py3-none-any.whl"


def changed(**facts: object) -> Manifest:
    plain = {
        "id": "a",
        "task": "vad",
        "engine": "silero",
        "description": "",
        "license": "MIT",
        "memory_bytes": 1,
    }
    return msgspec.convert(plain | facts, Manifest)


def file(**facts: object) -> dict[str, object]:
    return {"name": "m", "bytes": 1, "sha256": "0" * 64} | facts


def https(url: str) -> dict[str, object]:
    return {"kind": "https", "url": url}


def pypi(wheel: str = WHEEL) -> dict[str, object]:
    return {"kind": "pypi", "wheel": wheel, "sha256": "0" * 64, "member": "m"}


def built(*ingredients: dict[str, object]) -> dict[str, object]:
    return file(build={"builder": "quantize", "ingredients": list(ingredients)})


def quality(**facts: object) -> dict[str, object]:
    return {"quality": {"metric": "m", "value": 0.1, "source": "us"} | facts}


@pytest.mark.parametrize(
    ("facts", "complaint"),
    [
        ({"engine": "magic"}, "`engine`: magic is unknown"),
        ({"engine": "onnx"}, "`task`: onnx cannot do it; one of audio_classify"),
        ({"packs": True}, "`packs`: only for the task transcribe"),
        ({"files": [file(), file()]}, "`files[1].name`: two are called m"),
        ({"files": [file(), file(name="M")]}, "`files[1].name`: two are called M"),
        ({"files": [file(wheel="w")]}, "`files[0]`: needs `wheel` and `member` together; add `me"),
        ({"files": [file(member="w")]}, "`files[0]`: needs `wheel` and `member` together; add `wh"),
        ({"files": [file(wheel="w", member="m", path="p")]}, "both `wheel` and `path`"),
        ({"files": [file(path="a/../../m")]}, "`files[0].path`: must stay inside"),
        ({"files": [file(path="a\\m")]}, "`files[0].path`: must stay inside"),
        ({"files": [file(wheel="w", member="/etc/passwd")]}, "`files[0].member`: must stay inside"),
        ({"files": [file(wheel="w", member="a/../m")]}, "`files[0].member`: must stay inside"),
        ({"files": [file(sources=[https("https:///m")])]}, "sources[0].url`: names no host"),
        ({"files": [file(sources=[https("https://[a/m")])]}, "sources[0].url`: is no address"),
        ({"files": [file(sources=[https("https://me:pw@h/m")])]}, "holds a user or password"),
        ({"files": [file(sources=[https("http://example.org/m")])]}, "http is for this machine"),
        ({"files": [file(sources=[pypi("a-1.0.whl")])]}, "sources[0].wheel`: is no wheel's name"),
        ({"files": [built({"name": "i"})]}, "build.ingredients[0]`: has no sources"),
        (
            {"files": [built(file(sources=[pypi()]), file(sources=[pypi()]))]},
            "build.ingredients[1].name`: two are called m",
        ),
        (
            {"files": [built(file(sources=[https("http://example.org/m")]))]},
            "`files[0].build.ingredients[0].sources[0].url`: http is",
        ),
        (
            {"embedded": True, "files": [file(sources=[https("https://h/m"), pypi()])]},
            "`files[0].sources`: an embedded model comes from PyPI alone",
        ),
        ({"embedded": True, "files": [file()]}, "an embedded model comes from PyPI alone"),
        ({"labels_file": "l"}, "`labels_file`: l is none of `files`"),
        ({"labels_file": "m", "labels": ["x"], "files": [file(wheel="w", member="m")]}, "`labels`"),
        ({"terms": ["gated"]}, "`license_url`: is missing"),
        ({"license": "CC-BY-4.0"}, "`terms`: CC-BY-4.0 asks for it; add attribution"),
        ({"license": "CC-BY-SA-4.0", "terms": ["attribution"]}, "add share_alike"),
        ({"license": "CC-BY-NC-4.0", "terms": ["attribution"]}, "add non_commercial"),
        ({"license": "for research only"}, "add non_commercial"),
        ({"license": "X Non-Commercial"}, "add non_commercial"),
        ({"license": "FunASR Model License v1.1"}, "add attribution"),
        ({"max_batch": 8}, "`max_batch`: requests of vad cannot run as one"),
        ({"task": "infer", "pads": True}, "`pads`: only for batches"),
        (quality(source="  "), "`quality.source`: is empty"),
        (quality(value=float("nan")), "`quality.value`: cannot be compared"),
        ({"rank": float("inf")}, "`rank`: cannot be compared"),
        ({"minimum_engine": "new"}, "`minimum_engine`: is no version"),
        ({"device": "quantum"}, "`device`: quantum is no device"),
        ({"accelerators": ["cpu", "GPU"]}, "`accelerators[1]`: GPU is no device"),
        ({"languages": ["en", "English"]}, "`languages[1]`: English is no language"),
    ],
)
def test_what_a_schema_cannot_see_is_found(facts: dict[str, object], complaint: str) -> None:
    (line,) = lint([changed(**facts)])

    assert line.startswith("a: `")
    assert complaint in line
    assert "; " in line, "it says what to do"


@pytest.mark.parametrize(
    "facts",
    [
        {"files": [file(sources=[https("https://example.org/m")])]},
        {"files": [file(sources=[https("http://127.0.0.1:8000/m")])]},
        {"files": [file(path="/srv/models/m")]},
        {"embedded": True, "files": [file(sources=[pypi()])]},
        {"embedded": True, "files": [file(wheel="w", member="m")]},
        {"embedded": True, "files": [built(file(sources=[pypi()]))]},
        {"labels_file": "m", "files": [file(wheel="w", member="m")]},
        {"license": "CC-BY-NC-SA-4.0", "terms": ["attribution", "non_commercial", "share_alike"]},
        {"license": "Gemma", "terms": ["gated"], "license_url": "https://h/l"},
        {"task": "infer", "engine": "onnx", "max_batch": 8, "pads": True},
        {"minimum_engine": "1.20.1rc1", "device": "gpu:cuda", "languages": ["zh-Hant", "yue"]},
    ],
)
def test_what_is_right_is_left_alone(facts: dict[str, object]) -> None:
    assert examine([changed(**facts)]) == []


@pytest.mark.parametrize(
    ("facts", "note"),
    [
        (
            {"files": [{"name": "m", "path": "/m"}]},
            "`files`: nobody states the sha256 of m; the first",
        ),
        ({"files": [file()]}, "`files`: m cannot be pulled; add `sources`"),
        ({"rank": 3.0}, "`rank`: ours are from 0 to 1"),
        (
            {"engine": "sherpa_punctuation"},
            "`engine`: sherpa_punctuation comes with a later version",
        ),
    ],
)
def test_what_is_worth_knowing_is_a_note(facts: dict[str, object], note: str) -> None:
    (finding,) = examine([changed(**facts)])

    assert not finding.grave
    assert note in finding.line
    assert lint([changed(**facts)]) == []


def test_the_tasks_of_bare_graphs_are_those_of_the_presets() -> None:
    assert PLAIN_TASKS | set(PRESETS) == GRAPH_TASKS


def test_lint_refuses_a_holder_of_the_gil_in_company() -> None:
    mates = [changed(id="a", worker="small", holds_gil=True), changed(id="b", worker="small")]

    (line,) = lint(mates)

    assert line.startswith("a: `worker`: it holds the GIL and cannot share a process with b")


def test_lint_refuses_a_holder_of_the_gil_whose_process_another_one_joins() -> None:
    mates = [changed(id="a", holds_gil=True), changed(id="b", worker="a")]

    assert len(lint(mates)) == 1


def test_lint_lets_others_share() -> None:
    mates = [changed(id="a", worker="small"), changed(id="b", worker="small")]

    assert lint(mates) == []


def test_lint_refuses_company_on_another_device() -> None:
    mates = [changed(id="a", worker="s", device="gpu"), changed(id="b", worker="s", device="cpu")]

    assert [line[:12] for line in lint(mates)] == ["a: `worker`:", "b: `worker`:"]
    assert "on another device; give it one of its own" in lint(mates)[0]
