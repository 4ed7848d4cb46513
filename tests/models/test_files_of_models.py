"""A model's files: found where they may be, refused where they differ or lead elsewhere."""

import hashlib
import importlib.metadata
import os
import zipfile
from pathlib import Path

import msgspec
import pytest

from edged.errors import CorruptModel, EngineMissing, ModelMissing
from edged.models.files import ModelFiles
from edged.models.lockfile import LockFile
from edged.models.manifest import Engine, Manifest

CONTENT = b"the weights"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


@pytest.fixture
def files(models: Path, tmp_path: Path) -> ModelFiles:
    return ModelFiles(models, tmp_path / "cache")


def model(content: bytes = CONTENT, *, engine: str = "silero", **facts: str) -> Manifest:
    sha256 = hashlib.sha256(content).hexdigest()
    file = {"name": "model.bin", "bytes": len(content), "sha256": sha256} | facts
    plain = {
        "id": "tiny",
        "task": "vad",
        "engine": engine,
        "description": "",
        "license": "MIT",
        "memory_bytes": 1,
        "files": [file],
    }
    return msgspec.convert(plain, Manifest)


def put(path: Path, content: bytes = CONTENT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_file_in_the_models_folder_is_found(files: ModelFiles, models: Path) -> None:
    path = put(models / "tiny" / "model.bin")

    assert files.verified(model()) == {"model.bin": str(path)}


def test_a_file_at_an_absolute_path_is_found_through_links_too(
    files: ModelFiles, tmp_path: Path
) -> None:
    put(tmp_path / "blobs" / "1234")
    (tmp_path / "model.bin").symlink_to("blobs/1234")
    path = str(tmp_path / "model.bin")

    assert files.verified(model(path=path)) == {"model.bin": path}


def test_a_file_at_a_path_in_the_models_folder_is_found(files: ModelFiles, models: Path) -> None:
    path = put(models / "shared" / "m.bin")

    assert files.verified(model(path="shared/m.bin")) == {"model.bin": str(path)}


def test_a_file_of_an_installed_wheel_is_found(files: ModelFiles) -> None:
    member = "msgspec/__init__.py"
    path = str(importlib.metadata.distribution("msgspec").locate_file(member))
    manifest = model(Path(path).read_bytes(), wheel="msgspec", member=member)

    assert files.verified(manifest) == {"model.bin": path}


def test_a_file_is_taken_out_of_a_downloaded_wheel(files: ModelFiles, models: Path) -> None:
    for version, content in (("1.0", b"old weights"), ("2.0", CONTENT)):
        with zipfile.ZipFile(models / f"Tiny_Wheel-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr("tiny/model.bin", content)
    manifest = model(wheel="tiny-wheel", member="tiny/model.bin")

    paths = files.verified(manifest)

    assert Path(paths["model.bin"]).read_bytes() == CONTENT
    assert files.has(manifest, manifest.files[0])


def test_a_missing_file_is_told_with_what_brings_it(files: ModelFiles) -> None:
    with pytest.raises(ModelMissing) as caught:
        files.verified(model(wheel="no-such-wheel", member="model.bin"))
    assert caught.value.fix == "pip install no-such-wheel"

    with pytest.raises(ModelMissing) as caught:
        files.verified(model())
    assert "tiny/model.bin" in caught.value.fix


@pytest.mark.parametrize("content", [b"short", b"the weight5"])
def test_a_file_that_differs_is_corrupt(files: ModelFiles, models: Path, content: bytes) -> None:
    put(models / "tiny" / "model.bin", content)

    with pytest.raises(CorruptModel) as caught:
        files.verified(model())

    assert "again" in caught.value.fix


def test_a_link_out_of_the_folder_is_refused(
    files: ModelFiles, models: Path, tmp_path: Path
) -> None:
    put(tmp_path / "elsewhere")
    (models / "tiny").mkdir()
    (models / "tiny" / "model.bin").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ModelMissing, match="leads out"):
        files.verified(model())


@pytest.mark.parametrize("path", ["../elsewhere", "a/../../elsewhere"])
def test_a_path_upwards_is_refused(
    files: ModelFiles, models: Path, tmp_path: Path, path: str
) -> None:
    put(tmp_path / "elsewhere")
    (models / "a").mkdir()

    with pytest.raises(ModelMissing):
        files.verified(model(path=path))


def test_a_verified_file_is_not_hashed_again_until_it_changes(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(models / "tiny" / "model.bin")
    manifest = model()
    ModelFiles(models, tmp_path / "cache").verified(manifest)
    hashed: list[int] = []
    true_hash = hashlib.sha256

    def counted(data: bytes = b"") -> object:
        hashed.append(1)
        return true_hash(data)

    monkeypatch.setattr(hashlib, "sha256", counted)

    ModelFiles(models, tmp_path / "cache").verified(manifest)
    assert not hashed

    path.write_bytes(b"the weight5")
    os.utime(path, ns=(1, 1))
    with pytest.raises(CorruptModel):
        ModelFiles(models, tmp_path / "cache").verified(manifest)
    assert hashed


@pytest.mark.parametrize("memory", [b"", b"[]", b"{", b'"x"'])
def test_a_broken_memory_of_hashes_costs_only_time(
    files: ModelFiles, models: Path, tmp_path: Path, memory: bytes
) -> None:
    put(tmp_path / "cache" / "verified.json", memory)
    put(models / "tiny" / "model.bin")

    assert files.verified(model())


def test_an_absent_engine_is_told_with_its_extra(models: Path, tmp_path: Path) -> None:
    engines = {"absent": Engine(module="x", packages=("edged_no_such_package",), extra="vision")}
    files = ModelFiles(models, tmp_path / "cache", engines)

    with pytest.raises(EngineMissing) as caught:
        files.check_engine(model(engine="absent"))
    assert caught.value.fix == "pip install 'edged[vision]'"

    with pytest.raises(EngineMissing, match="unknown here"):
        files.check_engine(model())


def test_a_file_of_another_release_that_is_known_to_do_is_taken(
    files: ModelFiles, models: Path
) -> None:
    other = b"the same weights, spelt otherwise"
    edition = {"bytes": len(other), "sha256": hashlib.sha256(other).hexdigest()}
    plain = msgspec.to_builtins(model())
    plain["files"][0]["editions"] = [edition]
    manifest = msgspec.convert(plain, Manifest)

    for content in (CONTENT, other):
        path = put(models / "tiny" / "model.bin", content)
        assert files.verified(manifest) == {"model.bin": str(path)}
    put(models / "tiny" / "model.bin", other[::-1])
    with pytest.raises(CorruptModel):
        files.verified(manifest)


def with_source(**facts: object) -> Manifest:
    plain = msgspec.to_builtins(model())
    source = {"kind": "https", "url": "https://models.invalid/x"}
    plain["files"][0].update({"sources": [source]} | facts)
    return msgspec.convert(plain, Manifest)


def test_what_is_missing_names_size_licence_and_the_command_that_brings_it(
    files: ModelFiles,
) -> None:
    with pytest.raises(ModelMissing, match="0.0 MB, licence MIT") as caught:
        files.verified(with_source())

    assert caught.value.fix == "edged models pull tiny"
    assert caught.value.details == {
        "model": "tiny",
        "bytes": len(CONTENT),
        "licence": "MIT",
        "command": "edged models pull tiny",
    }


def test_a_file_that_differs_is_pulled_again_where_that_can_be(
    files: ModelFiles, models: Path
) -> None:
    put(models / "tiny" / "model.bin", b"the weight5")

    with pytest.raises(CorruptModel) as caught:
        files.verified(with_source())

    assert caught.value.fix == "edged models pull tiny"


@pytest.mark.parametrize("name", ["../model.bin", "/etc/passwd", "a/../../b"])
def test_a_name_that_leads_out_of_the_folder_is_refused(
    files: ModelFiles, models: Path, name: str
) -> None:
    """The manifest refuses it already; who makes one in code is refused here."""
    put(models / "model.bin")
    manifest = with_source()
    wrong = msgspec.structs.replace(manifest.files[0], name=name)

    with pytest.raises(ModelMissing, match="leads out"):
        files.verified(msgspec.structs.replace(manifest, files=(wrong,)))


def test_an_unstated_hash_is_that_of_models_lock(files: ModelFiles, models: Path) -> None:
    manifest = with_source(sha256="", bytes=0)
    path = put(models / "tiny" / "model.bin")
    with pytest.raises(ModelMissing, match="neither"):
        files.locate(manifest)
    assert not files.has(manifest, manifest.files[0])

    sha256 = hashlib.sha256(CONTENT).hexdigest()
    lock = LockFile(models / "models.lock")
    lock.record("tiny", "model.bin", sha256=sha256, size_bytes=len(CONTENT), source="x")
    assert files.verified(manifest) == {"model.bin": str(path)}

    put(models / "tiny" / "model.bin", b"the weight5")
    with pytest.raises(CorruptModel):
        files.verified(manifest)


def test_a_broken_models_lock_stops_only_what_it_vouches_for(
    files: ModelFiles, models: Path
) -> None:
    put(models / "tiny" / "model.bin")
    put(models / "models.lock", b"{")

    assert files.verified(model())
    with pytest.raises(CorruptModel, match="models.lock"):
        files.verified(with_source(sha256="", bytes=0))


def test_an_installed_wheel_answers_for_a_file_without_a_hash(files: ModelFiles) -> None:
    member = "msgspec/__init__.py"
    manifest = model(wheel="msgspec", member=member, sha256="")
    plain = msgspec.to_builtins(manifest)
    plain["files"][0]["bytes"] = 0

    assert files.verified(msgspec.convert(plain, Manifest))["model.bin"].endswith(member)


def test_a_pulled_file_serves_where_the_installed_wheel_has_another(
    files: ModelFiles, models: Path
) -> None:
    path = put(models / "tiny" / "model.bin")

    found = files.verified(model(wheel="msgspec", member="msgspec/__init__.py"))

    assert found == {"model.bin": str(path)}


def test_a_byte_that_is_changed_with_its_time_put_back_is_found(
    files: ModelFiles, models: Path
) -> None:
    path = put(models / "tiny" / "model.bin")
    files.verified(model())
    before = path.stat()

    path.write_bytes(b"the weight5")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    with pytest.raises(CorruptModel):
        files.verified(model())
