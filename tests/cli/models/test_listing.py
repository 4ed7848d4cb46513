"""`models list` and `show` at several widths: nothing is broken, and traps are always marked."""

import pytest

from edged.cli.models import listing
from edged.messages.records import ModelSummary, Problem, Signature, SignatureTensor
from edged.messages.replies import ModelDetails, ModelFile, Trust


def model(name: str, **facts: object) -> ModelSummary:
    plain: dict[str, object] = {
        "task": "transcribe",
        "engine": "e",
        "license": "MIT",
        "languages": ("en",),
        "size_bytes": 147_900_000,
        "memory_bytes": 280_000_000,
        "installed": True,
        "default": False,
        "state": "unloaded",
    }
    return ModelSummary(id=name, **(plain | facts))  # type: ignore[arg-type] # a test's shorthand


MISSING = Problem(code="model_missing", message="it is not here", fix="edged models pull b")
MODELS = [
    model("a", default=True, recommended=True, quality="word_error_rate 0.05 (somebody: clean)"),
    model(
        "b-with-the-longest-name-of-all",
        license="CC-BY-NC-SA-4.0",
        terms=("attribution", "non_commercial", "share_alike"),
        languages=("af", "de", "en", "es", "zu"),
        problem=MISSING,
        quantization="int8",
        size_bytes=0,
    ),
    model("c", license="FunASR Model License v1.1", state="ready", task="vad", languages=()),
]


def printed(width: int, capsys: pytest.CaptureFixture[str]) -> list[str]:
    listing._print_tables(MODELS, width)
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_each_task_has_a_table_whose_columns_stand_below_each_other(
    width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = printed(width, capsys)

    heads = [line for line in lines if "memory" in line]
    assert [line.split()[0] for line in heads] == ["transcribe", "vad"]
    assert len({line.index("licence") for line in heads}) == 1
    assert all(len(line) <= width for line in lines)
    assert lines[2].startswith("*+")


def test_a_wide_terminal_shows_everything(capsys: pytest.CaptureFixture[str]) -> None:
    text = "\n".join(printed(160, capsys))

    assert "CC-BY-NC-SA-4.0 non-commercial! share alike!" in text
    assert "FunASR Model License v1.1" in text
    assert "en es de af +1" in text
    assert "int8" in text
    assert "WER 0.05" in text
    assert "148 MB" in text
    assert "not here" in text


def test_a_narrow_one_leaves_out_and_still_marks_traps(capsys: pytest.CaptureFixture[str]) -> None:
    text = "\n".join(printed(80, capsys))

    assert "CC-BY-NC-SA… !" in text
    assert "FunASR Mode… " in text
    assert "en +4" in text
    assert "WER" not in text
    assert "WER 0.05" in "\n".join(printed(100, capsys))


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("model_missing", "not here"),
        ("engine_missing", "no engine"),
        ("unsupported", "not yet"),
        ("corrupt_model", "damaged"),
        ("quarantined", "quarantined"),
    ],
)
def test_why_a_model_cannot_run_is_one_word_or_two(
    code: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    listing._print_tables([model("a", problem=Problem(code=code, message=""))], 100)

    assert capsys.readouterr().out.rstrip().endswith(shown)


def test_no_models_are_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    listing._print_tables([], 100)

    assert capsys.readouterr().out == ""


def file(trust: Trust, **facts: object) -> ModelFile:
    plain: dict[str, object] = {
        "name": "m.onnx",
        "size_bytes": 1_000,
        "sha256": "",
        "source": "models folder",
        "found": False,
    }
    return ModelFile(trust=trust, **(plain | facts))  # type: ignore[arg-type] # a test's shorthand


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (file("stated", sha256="0123456789abcdef00"), "m.onnx  1.0 kB  0123456789abcdef  not here"),
        (file("recorded", sha256="ab", found=True), "1.0 kB  ab recorded at the first pull  found"),
        (file("held", size_bytes=0), "size not stated  held by the hash of what it comes in"),
        (file("first_use"), "trust on first use  not here"),
    ],
)
def test_a_file_tells_why_its_content_is_known(record: ModelFile, line: str) -> None:
    assert line in listing._file(record)[0]


def test_show_tells_licence_terms_sources_and_signature() -> None:
    found = ModelDetails(
        model=MODELS[1],
        files=(file("first_use", sources=("https://h/m",), source="wheel w"),),
        parameters={"kind": "x"},
        threads=2,
        worker="",
        holds_gil=False,
        license_url="https://h/licence",
        minimum_engine="1.20",
        accelerators=("cpu",),
        embedded=True,
    )
    signature = Signature(
        inputs=(SignatureTensor(name="x", dtype="float32", shape=(-1, 3)),),
        outputs=(SignatureTensor(name="y", dtype="int64", shape=(1,)),),
    )

    text = "\n".join(
        [
            *listing._head(found),
            *listing._running(found),
            *listing._file(found.files[0]),
            *listing._signature(signature),
        ]
    )

    for part in (
        "licence CC-BY-NC-SA-4.0 (attribution, non_commercial, share_alike)  https://h/licence",
        "engine e 1.20 or newer",
        "weights int8",
        "tried on cpu",
        "comes from PyPI alone",
        "kind = x",
        "installed wheel w",
        "    https://h/m",
        "in   x  float32 [any, 3]",
        "out  y  int64 [1]",
    ):
        assert part in text
