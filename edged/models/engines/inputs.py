"""What every adapter is given, in the shapes that engines take: its spec, its files, its samples."""

from collections.abc import Iterable

import msgspec
import numpy as np
import numpy.typing as npt

from edged.errors import BadRequest, CorruptModel, ModelMissing, Unsupported, UnsupportedLanguage
from edged.media import AudioChunk
from edged.models.runtime import ModelSpec

Samples = npt.NDArray[np.float32]
"""Mono PCM in [-1, 1), shape (n,), 16 kHz."""

_decode = msgspec.msgpack.Decoder(ModelSpec).decode

_FULL_SCALE = np.float32(32768)


def spec_from(argument: bytes) -> ModelSpec:
    """The model to load, from the bytes that came with the load call.

    Raises:
        BadRequest: the bytes are no ModelSpec.
    """
    try:
        return _decode(argument)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadRequest("the load call holds no model spec") from error


def file_of(spec: ModelSpec, name: str) -> str:
    """The absolute path of one of the model's files.

    Raises:
        ModelMissing: the manifest does not name that file.
    """
    path = _file(spec, name)
    if not path:
        raise ModelMissing(f"the manifest of {spec.id} names no {name}", model=spec.id)
    return path


def has_file(spec: ModelSpec, name: str) -> bool:
    """Whether the manifest names a file so, with or without a suffix."""
    return bool(_file(spec, name))


def _file(spec: ModelSpec, name: str) -> str:
    """The path of `encoder`, or of `encoder.onnx`; engines tell formats by the suffix."""
    known = {one.rpartition(".")[0]: path for one, path in spec.files.items()}
    return spec.files.get(name) or known.get(name, "")


def number_of(spec: ModelSpec, name: str, default: float) -> float:
    """A parameter that is a number.

    Raises:
        CorruptModel: the manifest gives something else.
    """
    value = spec.parameters.get(name, default)
    if isinstance(value, str | bool | tuple):
        raise CorruptModel(f"parameter {name} of {spec.id} is no number", model=spec.id)
    return value


def word_of(spec: ModelSpec, name: str, default: str, *, among: Iterable[str] = ()) -> str:
    """A parameter that is text, one of a few when `among` says so.

    Raises:
        CorruptModel: the manifest gives something else.
    """
    value = spec.parameters.get(name, default)
    if not isinstance(value, str) or (among and value not in among):
        raise CorruptModel(f"parameter {name} of {spec.id} is unknown here", model=spec.id)
    return value


def check_language(spec: ModelSpec, language: str | None) -> None:
    """Accept a language the model's manifest lists, or none.

    Raises:
        Unsupported: it is not listed.
    """
    if language is not None and language not in spec.languages:
        raise Unsupported(f"{spec.id} does not know the language asked for", model=spec.id)


def check_known_language(spec: ModelSpec, language: str) -> None:
    """Accept a language that the manifest lists, with or without a region; any when it lists none.

    Raises:
        UnsupportedLanguage: it is not listed.
    """
    if spec.languages and language.partition("-")[0] not in spec.languages:
        raise UnsupportedLanguage(
            f"{spec.id} does not know the language {language}",
            fix=f"it knows: {' '.join(spec.languages)}",
            model=spec.id,
        )


def samples_of(audio: AudioChunk) -> Samples:
    """The chunk's PCM as float32; a copy.

    Raises:
        BadRequest: the bytes are no whole number of samples.
    """
    return whole_samples(audio).astype(np.float32) / _FULL_SCALE


def whole_samples(audio: AudioChunk) -> npt.NDArray[np.int16]:
    """The chunk's PCM as int16; a view of its bytes.

    Raises:
        BadRequest: the bytes are no whole number of samples.
    """
    if len(audio.data) % 2:
        raise BadRequest("a chunk holds half a sample")
    return np.frombuffer(audio.data, dtype="<i2")
