"""A model comes whole from whichever source gives the right files, and is held to them for ever."""

import hashlib
import io
import signal
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from mirror import Answer, good, serving

from edged.config import Paths, Pull
from edged.errors import (
    CorruptModel,
    EdgedError,
    LicenceRequired,
    ModelMissing,
    SourceDown,
    Untrusted,
)
from edged.models import build
from edged.models.blobs import Blobs
from edged.models.files import ModelFiles
from edged.models.lockfile import LockFile
from edged.models.manifest import Manifest, ManifestFile
from edged.models.pull import puller as module
from edged.models.pull.progress import PullProgress
from edged.models.pull.puller import Puller

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def file(*sources: dict[str, Any], stated: bool = True, **facts: Any) -> dict[str, Any]:
    said = {"bytes": len(CONTENT), "sha256": SHA256} if stated else {}
    return {"name": "model.bin", "sources": list(sources)} | said | facts


def https(url: str) -> dict[str, str]:
    return {"kind": "https", "url": url}


def model(*files: dict[str, Any], model_id: str = "tiny", **facts: Any) -> Manifest:
    plain = {
        "id": model_id,
        "task": "vad",
        "engine": "silero",
        "description": "",
        "license": "MIT",
        "memory_bytes": 1,
        "files": list(files),
    }
    return msgspec.convert(plain | facts, Manifest)


class Bench:
    """A puller, what it told, and what it was asked to trust."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.told: list[PullProgress] = []
        self.asked: list[str] = []
        self.trusts = False
        self.folders: Sequence[Path] = ()

    def trust(self, manifest: Manifest, file: ManifestFile) -> bool:
        self.asked.append(f"{manifest.id}/{file.name}")
        return self.trusts

    def puller(self) -> Puller:
        return Puller(
            self.paths,
            Pull(tries=2, timeout_s=1),
            tell=self.told.append,
            trust=self.trust,
            folders=self.folders,
            wait=lambda _seconds: None,
        )

    def pull(self, manifest: Manifest) -> module.Pulled:
        return self.puller().pull(manifest)


@pytest.fixture
def bench(paths: Paths) -> Bench:
    return Bench(paths)


def test_a_model_is_pulled_and_the_daemon_finds_it(bench: Bench) -> None:
    with serving(good(CONTENT)) as mirror:
        pulled = bench.pull(model(file(https(mirror.url))))

    manifest = model(file())
    assert pulled.fetched_bytes == len(CONTENT)
    found = ModelFiles(bench.paths.models, bench.paths.cache).verified(manifest)
    assert pulled.files == found
    assert Path(found["model.bin"]).samefile(Blobs(bench.paths.models).path(SHA256))
    assert not list((bench.paths.models / "partial").iterdir())


def test_progress_names_the_host_and_never_the_address(bench: Bench) -> None:
    with serving(good(CONTENT)) as mirror:
        bench.pull(model(file(https(f"{mirror.url}?signature=secret"))))

    assert "secret" not in str(bench.told)
    assert bench.told[0].source == "127.0.0.1"
    assert [one.stage for one in bench.told if one.stage != "fetch"] == ["verify", "done"]
    assert bench.told[-1].done == len(CONTENT)


def test_what_is_there_is_not_fetched_again(bench: Bench) -> None:
    with serving(good(CONTENT)) as mirror:
        manifest = model(file(https(mirror.url)))
        bench.pull(manifest)

        assert bench.pull(manifest).fetched_bytes == 0
        assert len(mirror.asked) == 1


def test_a_content_that_another_model_brought_is_linked(bench: Bench) -> None:
    with serving(good(CONTENT)) as mirror:
        bench.pull(model(file(https(mirror.url))))

        pulled = bench.pull(model(file(https(mirror.url), name="other.bin"), model_id="other"))

        assert pulled.fetched_bytes == 0
        assert len(mirror.asked) == 1
    assert len(Blobs(bench.paths.models).users(SHA256)) == 2


@pytest.mark.parametrize("place", ["tiny/model.bin", f"blobs/sha256-{SHA256}"])
def test_a_file_that_was_damaged_is_fetched_again(bench: Bench, place: str) -> None:
    with serving(good(CONTENT)) as mirror:
        manifest = model(file(https(mirror.url)))
        bench.pull(manifest)
        damaged = bench.paths.models / place
        damaged.chmod(0o644)
        damaged.write_bytes(CONTENT[:-1] + b"x")

        pulled = bench.pull(manifest)

    assert pulled.fetched_bytes == len(CONTENT)
    assert Path(pulled.files["model.bin"]).read_bytes() == CONTENT


def test_mirrors_are_asked_in_order(bench: Bench) -> None:
    with serving(Answer(status=404)) as gone, serving(good(CONTENT[::-1])) as wrong:
        with serving(good(CONTENT)) as right:
            sources = [https(one.url) for one in (gone, wrong, right)]
            pulled = bench.pull(model(file(*sources)))

        assert (len(gone.asked), len(wrong.asked), len(right.asked)) == (1, 1, 1)
    assert pulled.fetched_bytes == len(CONTENT)


def test_a_mirror_goes_on_where_another_one_was_cut(bench: Bench) -> None:
    with serving(Answer(body=CONTENT, cut=500_000)) as bad, serving(good(CONTENT)) as right:
        bench.pull(model(file(https(bad.url), https(right.url))))

        assert right.ranges == ["bytes=500000-"]
        assert "If-Range" not in right.asked[0].headers  # the other one's mark means nothing here


def test_when_all_fail_every_reason_is_told(bench: Bench) -> None:
    with serving(Answer(status=404)) as gone, serving(good(CONTENT[::-1])) as wrong:
        manifest = model(file(https(wrong.url), https(gone.url)))
        with pytest.raises(SourceDown) as caught:
            bench.pull(manifest)

    assert "404" in caught.value.message
    assert "another sha256" in caught.value.message


def test_a_licence_to_accept_is_what_is_told_of_several_failures(bench: Bench) -> None:
    with serving(Answer(status=401)) as gated, serving(Answer(status=404)) as gone:
        manifest = model(
            file(https(gated.url), https(gone.url)),
            terms=["gated"],
            license_url="https://models.invalid/accept",
        )
        with pytest.raises(LicenceRequired) as caught:
            bench.pull(manifest)

    assert "https://models.invalid/accept" in caught.value.fix


def test_a_file_without_a_source_says_how_it_comes(bench: Bench) -> None:
    with pytest.raises(ModelMissing) as caught:
        bench.pull(model(file()))

    assert "tiny/model.bin" in caught.value.fix


# --- trust on first use ---


def test_an_unstated_hash_is_asked_for_and_refused_by_default(bench: Bench) -> None:
    with serving(good(CONTENT)) as mirror:
        with pytest.raises(Untrusted, match="1024000 bytes, from 127") as caught:
            bench.pull(model(file(https(mirror.url), sha256="")))

        assert not mirror.asked
    assert "--trust-first-use" in caught.value.fix
    assert bench.asked == ["tiny/model.bin"]


def test_a_trusted_file_is_recorded_and_then_held_to(bench: Bench) -> None:
    bench.trusts = True
    files = ModelFiles(bench.paths.models, bench.paths.cache)
    with serving(good(CONTENT), good(CONTENT[::-1])) as mirror:
        manifest = model(file(https(mirror.url), stated=False))
        pulled = bench.pull(manifest)
        entry = LockFile(bench.paths.models / "models.lock").get("tiny", "model.bin")
        assert entry is not None
        assert (entry.sha256, entry.bytes) == (SHA256, len(CONTENT))
        assert entry.source == "127.0.0.1"
        assert files.verified(manifest) == pulled.files

        Blobs(bench.paths.models).remove("tiny")
        with pytest.raises(CorruptModel, match="upstream replaced"):
            bench.pull(manifest)

    assert bench.asked == ["tiny/model.bin"]
    with pytest.raises(ModelMissing):
        files.verified(manifest)


def test_a_trusted_file_that_is_changed_on_disk_is_not_loaded(bench: Bench) -> None:
    bench.trusts = True
    with serving(good(CONTENT)) as mirror:
        manifest = model(file(https(mirror.url), stated=False))
        path = Path(bench.pull(manifest).files["model.bin"])

    path.chmod(0o644)
    path.write_bytes(CONTENT[:-1] + b"x")

    with pytest.raises(CorruptModel):
        ModelFiles(bench.paths.models, bench.paths.cache).verified(manifest)


def test_a_file_put_there_by_hand_is_recorded_when_it_is_trusted(bench: Bench) -> None:
    path = bench.paths.models / "tiny" / "model.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    manifest = model(file(stated=False))
    files = ModelFiles(bench.paths.models, bench.paths.cache)
    with pytest.raises(ModelMissing, match="neither its manifest nor models.lock") as caught:
        files.verified(manifest)
    assert caught.value.details["command"] == "edged models pull tiny"

    with pytest.raises(Untrusted):
        bench.pull(manifest)
    bench.trusts = True
    bench.pull(manifest)

    assert files.verified(manifest) == {"model.bin": str(path)}


# --- other sources ---


MEMBERS = {"one.bin": CONTENT, "two.bin": CONTENT[::-1]}


def archived() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:bz2") as opened:
        for name, content in MEMBERS.items():
            entry = tarfile.TarInfo(f"a/{name}")
            entry.size = len(content)
            opened.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def members(url: str, **facts: Any) -> list[dict[str, Any]]:
    return [
        file(
            {"kind": "archive", "url": url, "member": f"a/{name}"} | facts,
            name=name,
            sha256=hashlib.sha256(content).hexdigest(),
        )
        for name, content in MEMBERS.items()
    ]


@pytest.mark.parametrize("stated", [True, False])
def test_an_archive_is_fetched_once_for_all_its_members(bench: Bench, *, stated: bool) -> None:
    whole = archived()
    facts: dict[str, Any] = {"bytes": len(whole), "sha256": hashlib.sha256(whole).hexdigest()}
    with serving(good(whole)) as mirror:
        pulled = bench.pull(model(*members(mirror.url, **(facts if stated else {}))))

        assert len(mirror.asked) == 1
    for name, content in MEMBERS.items():
        assert Path(pulled.files[name]).read_bytes() == content
    assert not list((bench.paths.models / "partial").iterdir())


def test_the_hash_of_an_archive_speaks_for_members_that_state_none(bench: Bench) -> None:
    whole = archived()
    facts = {"bytes": len(whole), "sha256": hashlib.sha256(whole).hexdigest()}
    with serving(good(whole)) as mirror:
        unstated = [one | {"bytes": 0, "sha256": ""} for one in members(mirror.url, **facts)]
        pulled = bench.pull(model(*unstated))

    lock = LockFile(bench.paths.models / "models.lock")
    assert bench.asked == []
    for name, content in MEMBERS.items():
        assert Path(pulled.files[name]).read_bytes() == content
        assert lock.get("tiny", name) is not None


def test_an_archive_of_a_pull_that_failed_serves_the_next_one(bench: Bench) -> None:
    whole = archived()
    facts = {"bytes": len(whole), "sha256": hashlib.sha256(whole).hexdigest()}
    with serving(good(whole)) as mirror:
        one, two = members(mirror.url, **facts)
        with pytest.raises(CorruptModel):
            bench.pull(model(one, two | {"sha256": "0" * 64}))
        bench.pull(model(one, two))

        assert len(mirror.asked) == 1
    assert not list((bench.paths.models / "partial").iterdir())


def test_an_archive_with_another_hash_is_not_opened(bench: Bench) -> None:
    whole = archived()
    with serving(good(whole)) as mirror:
        facts = {"bytes": len(whole), "sha256": "0" * 64}
        with pytest.raises(CorruptModel, match="another sha256"):
            bench.pull(model(*members(mirror.url, **facts)))


def test_a_member_of_a_wheel_is_taken_from_a_stick(bench: Bench, tmp_path: Path) -> None:
    name = "tiny_model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(tmp_path / name, "w") as wheel:
        wheel.writestr("tiny/model.bin", CONTENT)
    source = {
        "kind": "pypi",
        "wheel": name,
        "sha256": hashlib.sha256((tmp_path / name).read_bytes()).hexdigest(),
        "member": "tiny/model.bin",
    }
    bench.folders = [tmp_path]

    pulled = bench.pull(model(file(source)))

    assert Path(pulled.files["model.bin"]).read_bytes() == CONTENT


@pytest.mark.parametrize("kind", ["file", "dir"])
@pytest.mark.parametrize("absolute", [True, False])
def test_files_come_from_paths_of_the_manifest(bench: Bench, kind: str, *, absolute: bool) -> None:
    folder = bench.paths.manifests / "weights"
    folder.mkdir(parents=True)
    (folder / "m.bin").write_bytes(CONTENT)
    name = "weights/m.bin" if kind == "file" else "weights"
    path = str(bench.paths.manifests / name) if absolute else name

    pulled = bench.pull(model(file({"kind": kind, "path": path})))

    assert Path(pulled.files["model.bin"]).read_bytes() == CONTENT
    assert (folder / "m.bin").read_bytes() == CONTENT
    assert bench.told[0].source == "folder"


@pytest.mark.parametrize("kind", ["file", "dir"])
def test_a_relative_path_stays_in_the_manifests_folder(bench: Bench, kind: str) -> None:
    (bench.paths.config / "elsewhere").mkdir(parents=True)
    (bench.paths.config / "elsewhere" / "model.bin").write_bytes(CONTENT)
    bench.paths.manifests.mkdir()
    path = "../elsewhere/model.bin" if kind == "file" else "../elsewhere"

    with pytest.raises(SourceDown, match="leads out"):
        bench.pull(model(file({"kind": kind, "path": path})))


def test_the_users_folder_comes_before_the_network(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "any name").write_bytes(CONTENT)
    bench.folders = [tmp_path]

    with serving(good(CONTENT)) as mirror:
        bench.pull(model(file(https(mirror.url))))

        assert not mirror.asked


def test_an_archive_is_found_in_the_users_folder(bench: Bench, tmp_path: Path) -> None:
    whole = archived()
    (tmp_path / "a.tar.bz2").write_bytes(whole)
    bench.folders = [tmp_path]
    facts = {"bytes": len(whole), "sha256": hashlib.sha256(whole).hexdigest()}

    pulled = bench.pull(model(*members("https://models.invalid/x.tar.bz2", **facts)))

    assert len(pulled.files) == 2


# --- files that are made ---


def built(url: str, **facts: Any) -> Manifest:
    plan = {
        "builder": "quantize",
        "ingredients": [
            {"name": "raw", "bytes": len(CONTENT), "sha256": SHA256, "sources": [https(url)]}
            | facts
        ],
    }
    made = CONTENT[::-1]
    said = {"bytes": len(made), "sha256": hashlib.sha256(made).hexdigest()}
    return model({"name": "made.bin", "build": plan} | said)


Maker = Callable[[object, dict[str, Path], Path], None]


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A builder that turns its ingredient round."""

    def make(_plan: object, ingredients: dict[str, Path], into: Path) -> None:
        into.write_bytes(ingredients["raw"].read_bytes()[::-1])

    monkeypatch.setattr(build, "make", make)
    monkeypatch.setattr(build, "check", lambda _plan: None)


@pytest.mark.usefixtures("maker")
def test_a_file_is_made_of_what_is_fetched_for_it(bench: Bench) -> None:
    with serving(good(CONTENT)) as mirror:
        pulled = bench.pull(built(mirror.url))

    assert Path(pulled.files["made.bin"]).read_bytes() == CONTENT[::-1]
    assert "build" in [one.stage for one in bench.told]
    assert not list((bench.paths.models / "partial").iterdir())


@pytest.mark.usefixtures("maker")
def test_an_ingredient_without_a_hash_is_trusted_and_held_to_as_well(bench: Bench) -> None:
    with serving(good(CONTENT)) as mirror:
        with pytest.raises(Untrusted, match="raw"):
            bench.pull(built(mirror.url, sha256="", bytes=0))
        bench.trusts = True
        bench.pull(built(mirror.url, sha256="", bytes=0))

    assert LockFile(bench.paths.models / "models.lock").get("tiny", "made.bin#raw")


@pytest.mark.usefixtures("maker")
def test_a_made_file_that_differs_from_its_hash_is_refused(bench: Bench) -> None:
    with serving(good(CONTENT)) as mirror:
        manifest = built(mirror.url)
        other = msgspec.structs.replace(manifest.files[0], sha256="0" * 64)
        with pytest.raises(CorruptModel, match="the builder"):
            bench.pull(msgspec.structs.replace(manifest, files=(other,)))


# --- kills ---

CHILD = """
import sys
from pathlib import Path
import msgspec
from edged.config import Pull, find_paths
from edged.models.manifest import Manifest
from edged.models.pull.puller import Puller
manifest = msgspec.json.decode(sys.stdin.buffer.read(), type=Manifest)
def tell(progress):
    print(progress.stage, flush=True)
Puller(
    find_paths({"EDGED_HOME": sys.argv[1]}), Pull(), tell=tell, trust=lambda *_: True
).pull(manifest)
"""


@pytest.mark.parametrize("stage", ["fetch", "verify", "done"])
def test_a_killed_pull_leaves_nothing_half_and_goes_on(
    bench: Bench, home: Path, stage: str
) -> None:
    slow = Answer(headers={"ETag": '"one"'}, body=CONTENT, cut=600_000, stall=True)
    answers = (slow, good(CONTENT)) if stage == "fetch" else (good(CONTENT),)
    with serving(*answers) as mirror:
        manifest = model(file(https(mirror.url)))
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(msgspec.json.encode(manifest))
        child.stdin.close()
        while stage.encode() not in child.stdout.readline():
            pass
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()

        blobs = Blobs(bench.paths.models)
        assert all(blobs.verify(sha256) for sha256 in blobs.hashes())
        pulled = bench.pull(manifest)

    assert Path(pulled.files["model.bin"]).read_bytes() == CONTENT
    if stage == "fetch":
        assert mirror.asked[-1].start > 0


def test_errors_of_a_pull_name_no_path_of_the_user(bench: Bench, home: Path) -> None:
    for source in ({"kind": "file", "path": str(home / "none")}, https("http://127.0.0.1:9/x")):
        with pytest.raises(EdgedError) as caught:
            bench.pull(model(file(source)))

        assert str(home) not in f"{caught.value} {caught.value.fix} {caught.value.details}"
