"""Real pip against a folder with a wheel that the test made; no network."""

import hashlib
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edged.errors import CorruptModel, EdgedError, SourceDown, Unsupported
from edged.models.manifest import Pypi
from edged.models.pull import pypi

MODEL = b"a model" * 1000
WHEEL = "tiny_model-1.0-cp311-cp311-manylinux_2_28_riscv64.whl"
"""For a machine that is not this one: only the file inside is wanted."""


def make_wheel(folder: Path, name: str = WHEEL) -> Path:
    """A wheel with a model, a link, a folder and a name that leads out."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("tiny_model/weights.onnx", MODEL)
        link = zipfile.ZipInfo("tiny_model/link.onnx")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        wheel.writestr(link, "/etc/hostname")
        wheel.writestr("tiny_model/folder/", "")
        wheel.writestr("../outside.onnx", b"outside")
        for file, text in _metadata(name).items():
            wheel.writestr(f"tiny_model-1.0.dist-info/{file}", text)
    return path


def _metadata(name: str) -> dict[str, str]:
    tag = name.removeprefix("tiny_model-1.0-").removesuffix(".whl")
    return {
        "METADATA": "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\nRequires-Python: <3.2\n",
        "WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: {tag}\n",
        "RECORD": "",
    }


def source_of(wheel: Path, member: str = "tiny_model/weights.onnx") -> Pypi:
    return Pypi(
        wheel=wheel.name, sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(), member=member
    )


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip knows; the user's own settings of pip stay out of it."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def fetch(source: Pypi, tmp_path: Path, *, folders: tuple[Path, ...] = ()) -> bytes:
    into = tmp_path / "out.part"
    pypi.fetch(source, into, wheels=tmp_path / "wheels", tell=_ignore, folders=folders)
    return into.read_bytes()


def _ignore(_done: int, _total: int) -> None:
    """Nobody looks."""


def test_pip_brings_a_wheel_of_another_platform_and_its_member_is_taken(
    index: Path, tmp_path: Path
) -> None:
    source = source_of(make_wheel(index))

    assert fetch(source, tmp_path) == MODEL
    assert [found.name for found in (tmp_path / "wheels").iterdir()] == [WHEEL]


def test_a_wheel_for_every_platform_is_taken_whatever_python_it_requires(
    index: Path, tmp_path: Path
) -> None:
    source = source_of(make_wheel(index, "tiny_model-1.0-py2.py3-none-any.whl"))

    assert fetch(source, tmp_path) == MODEL


def test_a_wheel_that_is_there_is_used_again_without_pip(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(tmp_path / "wheels")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    assert fetch(source_of(wheel), tmp_path) == MODEL
    assert list(index.iterdir()) == []


def test_a_damaged_wheel_that_is_there_is_fetched_again(index: Path, tmp_path: Path) -> None:
    source = source_of(make_wheel(index))
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / WHEEL).write_bytes(b"half of it")

    assert fetch(source, tmp_path) == MODEL


def test_a_wheel_on_a_stick_is_used_before_pip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(tmp_path / "stick")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    assert fetch(source_of(wheel), tmp_path, folders=(tmp_path / "stick",)) == MODEL


def test_a_tampered_wheel_is_refused_by_name(index: Path, tmp_path: Path) -> None:
    source = source_of(make_wheel(index))
    with (index / WHEEL).open("ab") as file:
        file.write(b"x")

    with pytest.raises(CorruptModel, match="another tiny_model==1.0 than the manifest"):
        fetch(source, tmp_path)
    assert list((tmp_path / "wheels").iterdir()) == []


def test_a_version_that_the_index_lacks_says_how_to_bring_it_by_hand(tmp_path: Path) -> None:
    source = Pypi(wheel=WHEEL, sha256="0" * 64, member="tiny_model/weights.onnx")

    with pytest.raises(SourceDown, match="finds no tiny_model==1.0") as caught:
        fetch(source, tmp_path)
    assert "--platform=manylinux_2_28_riscv64" in caught.value.fix
    assert "--from DIR" in caught.value.fix


def test_an_index_that_is_down_is_named_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://someone:hunter2@127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    source = Pypi(wheel=WHEEL, sha256="0" * 64, member="tiny_model/weights.onnx")

    with pytest.raises(SourceDown, match="reaches no index") as caught:
        fetch(source, tmp_path)
    assert "hunter2" not in caught.value.message + caught.value.fix


@pytest.mark.parametrize(
    ("member", "complaint"),
    [
        ("tiny_model/other.onnx", "not in it"),
        ("tiny_model/link.onnx", "a link"),
        ("tiny_model/folder/", "not a plain path"),
        ("../outside.onnx", "not a plain path"),
        ("tiny_model\\weights.onnx", "not a plain path"),
        ("/etc/hostname", "not a plain path"),
    ],
)
def test_only_a_plain_file_is_taken_out(tmp_path: Path, member: str, complaint: str) -> None:
    source = source_of(make_wheel(tmp_path / "wheels"), member)

    with pytest.raises(CorruptModel, match=complaint):
        fetch(source, tmp_path)
    assert not (tmp_path / "out.part").exists()


def test_a_cancelled_fetch_ends_pip_and_leaves_nothing(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def recorded(*args: object, **options: object) -> "subprocess.Popen[bytes]":
        started.append(real(*args, **options))  # type: ignore[call-overload]  # passed through
        return started[0]

    monkeypatch.setattr(subprocess, "Popen", recorded)

    def cancel(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pypi.fetch(
            source_of(make_wheel(index)),
            tmp_path / "out.part",
            wheels=tmp_path / "wheels",
            tell=cancel,
        )
    assert started[0].returncode == -9
    assert list((tmp_path / "wheels").iterdir()) == []


def test_without_pip_the_error_says_how_to_go_on(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)

    with pytest.raises(SourceDown, match="no pip here") as caught:
        fetch(source_of(make_wheel(index)), tmp_path)
    assert "uv pip install pip" in caught.value.fix
    assert "--platform=manylinux_2_28_riscv64" in caught.value.fix


@pytest.mark.parametrize(
    ("wheel", "flags"),
    [
        ("a-1-py3-none-any.whl", []),
        (
            "a-1-2build-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            [
                "--platform=manylinux_2_17_x86_64",
                "--platform=manylinux2014_x86_64",
                "--abi=abi3",
                "--implementation=cp",
                "--python-version=3.9",
            ],
        ),
        (
            "a-1-py3-none-win_amd64.whl",
            ["--platform=win_amd64", "--implementation=py", "--python-version=3"],
        ),
    ],
)
def test_a_wheels_name_says_for_what_pip_has_to_look(wheel: str, flags: list[str]) -> None:
    assert pypi.WheelName.of(wheel).flags() == flags


@pytest.mark.parametrize("wheel", ["a-1.whl", "a-1-py3-none-any.zip", "a--py3-none-any.whl"])
def test_what_is_no_wheels_name_is_refused(wheel: str) -> None:
    with pytest.raises(Unsupported, match="no wheel's name"):
        pypi.WheelName.of(wheel)


SAID = [
    ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", CorruptModel, "sha256"),
    ("WARNING: Retrying (Retry(total=4, ... [Errno 111]'))", SourceDown, "reaches no index"),
    ("ERROR: HTTP error 503: 503 Server Error: busy", SourceDown, "reaches no index"),
    ("WARNING: 401 Error, Credentials not correct for https://u:p@h", SourceDown, "refuses"),
    ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY", SourceDown, "certificate"),
    ("ERROR: Could not install: [Errno 28] No space left on device", EdgedError, "no room"),
    ("ERROR: No matching distribution found for a==1", SourceDown, "no wheel of a==1"),
    ("ERROR: ... satisfies a==1 (from versions: none)", SourceDown, "not reached, or does not"),
    ("ERROR: something new", SourceDown, "status 7"),
]


@pytest.mark.parametrize(("said", "kind", "message"), SAID)
def test_what_pip_says_becomes_an_error_that_says_what_to_do(
    said: str, kind: type[EdgedError], message: str
) -> None:
    error = pypi.failure(7, f"Collecting a\n{said}\n", pypi.WheelName.of("a-1-py3-none-any.whl"))

    assert isinstance(error, kind)
    assert message in error.message
    assert "u:p@h" not in error.message + error.fix


def _progress(folder: Path, told: list[tuple[int, int]]) -> Iterator[pypi.Progress]:
    (folder / "tmp" / "pip-unpack-x").mkdir(parents=True)
    yield pypi.Progress(folder, lambda done, total: told.append((done, total)))


def test_progress_is_what_a_newer_pip_says(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    progress = next(_progress(tmp_path, told))

    progress.read(b"  Downloading a-1-py3-none-any.whl (35.6 MB)\nProgress 262144 of 356")
    progress.read(b"22638\n")

    assert told[-1] == (262144, 35622638)


def test_progress_with_an_older_pip_is_what_lies_in_its_folder(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    progress = next(_progress(tmp_path, told))
    (tmp_path / "tmp" / "pip-unpack-x" / "a.whl").write_bytes(bytes(1000))

    progress.read(b"  Downloading a-1-py3-none-any.whl (4 kB)\n")

    assert told == [(1000, 4000)]
