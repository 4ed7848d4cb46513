"""What a model can do, by task: the Protocols that adapters fulfil and that callers borrow.

An adapter module (edged.models.engines.*) has one function `load(spec, context)` that returns an
object fulfilling its task's Protocol and `Model`. It runs in a worker process only.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, Protocol

from msgspec import Meta, Struct

from edged.media import AudioChunk
from edged.messages.wire import Id

Parameter = str | int | float | bool


class ModelSpec(Struct, frozen=True, kw_only=True):
    """What a worker needs to load one model: a manifest with its files found and verified.

    files: names in the manifest to absolute paths.
    threads: intra-op threads; measured or configured.
    """

    id: str
    task: str
    engine: str
    files: dict[str, str]
    parameters: dict[str, Parameter] = {}
    threads: int = 1
    languages: tuple[str, ...] = ()
    canary: str = ""


class Model(Protocol):
    """What every loaded model can do."""

    def canary(self) -> str:
        """The answer to a tiny fixed inference, as text; the same every time on one machine."""
        ...


class VadOptions(Struct, frozen=True, kw_only=True):
    """stream: whose state to use and keep; empty: none. final: forget the state afterwards."""

    stream: Annotated[str, Meta(max_length=64)] = ""
    final: bool = False


class Probabilities(Struct, frozen=True, kw_only=True):
    """That each complete 32-ms window holds speech: float32 little-endian bytes, in [0, 1]."""

    data: bytes


class VoiceActivity(Model, Protocol):
    """Tells speech from everything else."""

    def detect(self, audio: AudioChunk, options: VadOptions) -> Probabilities:
        """One probability per 512 samples; a last, shorter window is padded only when final."""
        ...


class TranscribeOptions(Struct, frozen=True, kw_only=True):
    """language: None lets the model detect it. yieldable: batch work gives way to other calls."""

    language: str | None = None
    words: bool = True
    yieldable: bool = False


class SpokenWord(Struct, frozen=True, kw_only=True):
    """One word; seconds from the chunk's start; confidence in [0, 1]."""

    text: str
    start_s: float
    end_s: float
    confidence: float


class Utterance(Struct, frozen=True, kw_only=True):
    """A piece of recognised speech; seconds from the chunk's start; confidence in [0, 1].

    language: what the model detected or was told; empty when it has but one.
    """

    text: str
    start_s: float
    end_s: float
    confidence: float
    words: tuple[SpokenWord, ...] = ()
    language: str = ""
    language_detected: bool = False


class Transcriber(Model, Protocol):
    """Turns one window of speech into utterances."""

    def transcribe(self, audio: AudioChunk, options: TranscribeOptions) -> Iterator[Utterance]:
        """The utterances of one window, in order of time.

        Raises:
            Unsupported: the model does not know the language.
            Yielded: the call was yieldable and another one waits; nothing of it counts.
        """
        ...


class StreamOptions(Struct, frozen=True, kw_only=True):
    """stream: whose decoder to use and keep. final: flush it and forget it."""

    stream: Id
    final: bool = False


class Partial(Struct, frozen=True, kw_only=True):
    """What is heard so far in the open utterance; `ended` when the engine found its end."""

    text: str
    ended: bool


class StreamingTranscriber(Model, Protocol):
    """Recognises while audio comes in."""

    def feed(self, audio: AudioChunk, options: StreamOptions) -> Partial:
        """Add audio to a stream and return what is heard so far."""
        ...


class TensorFacts(Struct, frozen=True, kw_only=True):
    """How one tensor's bytes are to be read: row-major, little-endian."""

    name: str
    dtype: Literal["float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"]
    shape: tuple[int, ...]


class Tensors(Struct, frozen=True, kw_only=True):
    """Named tensors; data: their bytes one after the other, in the order of `tensors`."""

    tensors: tuple[TensorFacts, ...]
    data: bytes


class Inference(Model, Protocol):
    """Runs a graph as it is, without knowing what it means."""

    def infer(self, inputs: Tensors) -> Tensors:
        """All outputs of the graph, in its order.

        Raises:
            BadRequest: names, shapes, types or the number of bytes are not the graph's.
        """
        ...
