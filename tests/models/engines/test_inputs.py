import msgspec
import pytest

from edged.errors import BadRequest, CorruptModel, ModelMissing, Unsupported
from edged.media import AudioChunk
from edged.models.engines.inputs import (
    check_language,
    file_of,
    has_file,
    number_of,
    samples_of,
    spec_from,
    word_of,
)
from edged.models.runtime import ModelSpec

SPEC = ModelSpec(
    id="m",
    task="transcribe",
    engine="e",
    files={"model": "/m"},
    parameters={"beam": 3, "kind": "a", "on": True},
    languages=("en",),
)


def test_a_spec_arrives_as_it_was_sent_and_anything_else_is_refused() -> None:
    assert spec_from(msgspec.msgpack.encode(SPEC)) == SPEC
    for garbage in (b"", b"\xc1", b"\x80", b"\xa1\xff"):
        with pytest.raises(BadRequest):
            spec_from(garbage)


def test_what_the_manifest_lacks_or_says_wrongly_is_named() -> None:
    assert file_of(SPEC, "model") == "/m"
    assert (number_of(SPEC, "beam", 5), number_of(SPEC, "other", 5)) == (3, 5)
    assert (word_of(SPEC, "kind", "b"), word_of(SPEC, "other", "b")) == ("a", "b")
    with pytest.raises(ModelMissing, match="tokens"):
        file_of(SPEC, "tokens")
    for name in ("kind", "on"):
        with pytest.raises(CorruptModel, match=name):
            number_of(SPEC, name, 5)
    with pytest.raises(CorruptModel, match="kind"):
        word_of(SPEC, "kind", "b", among=("b", "c"))
    with pytest.raises(CorruptModel, match="beam"):
        word_of(SPEC, "beam", "b")


def test_a_file_is_found_by_its_role_with_and_without_a_suffix() -> None:
    files = {"encoder.onnx": "/e", "tokens": "/t", "tokens.txt": "/x", "a.b.ort": "/a"}
    spec = msgspec.structs.replace(SPEC, files=files)

    assert file_of(spec, "encoder") == file_of(spec, "encoder.onnx") == "/e"
    assert file_of(spec, "tokens") == "/t"
    assert file_of(spec, "a.b") == "/a"
    assert has_file(spec, "encoder")
    assert not has_file(spec, "decoder")
    assert not has_file(spec, "a")


def test_a_language_is_one_of_the_manifest_or_none() -> None:
    check_language(SPEC, "en")
    check_language(SPEC, None)
    with pytest.raises(Unsupported):
        check_language(SPEC, "fr")


def test_samples_are_floats_of_full_scale_one() -> None:
    pcm = b"\x00\x80\x00\x00\xff\x7f"

    assert samples_of(AudioChunk(data=memoryview(pcm))).tolist() == [-1.0, 0.0, 32767 / 32768]
    with pytest.raises(BadRequest, match="half a sample"):
        samples_of(AudioChunk(data=b"\x00"))
