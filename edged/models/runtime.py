"""What a model can do, by task: the Protocols that adapters fulfil and that callers borrow.

An adapter module (edged.models.engines.*) has one function `load(spec, context)` that returns an
object fulfilling its task's Protocol and `Model`. It runs in a worker process only.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, Protocol

from msgspec import Meta, Struct

from edged.media import AudioChunk, Picture
from edged.messages.records import (
    AudioWindow,
    Class,
    DetectedObject,
    Signature,
    TensorFacts,
)
from edged.messages.wire import Id

Parameter = str | int | float | bool | tuple[float, ...]
Buffer = bytes | memoryview


class ModelSpec(Struct, frozen=True, kw_only=True):
    """What a worker needs to load one model: a manifest with its files found and verified.

    files: names in the manifest to absolute paths.
    threads: intra-op threads; measured or configured.
    device: what to run it on, as the chooser found that it works: cpu, gpu:cuda, npu:qnn, ...
    strict_device: refuse to load when a part of it would run elsewhere.
    labels: what its outputs stand for, in order; labels_file: or one of `files`, a label a line.
    scratch: a folder for the profile of the canary's run, which tells where it ran; empty: none.
    """

    id: str
    task: str
    engine: str
    files: dict[str, str]
    parameters: dict[str, Parameter] = {}
    threads: int = 1
    languages: tuple[str, ...] = ()
    canary: str = ""
    device: str = "cpu"
    strict_device: bool = False
    labels: tuple[str, ...] = ()
    labels_file: str = ""
    scratch: str = ""


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
    """What is heard so far in the open utterance; `ended` when the engine found its end.

    confidence: in [0, 1], of all pieces of it; 1 when the engine states none.
    words: of an ended one, seconds from where the stream began; empty when the engine gives none.
    """

    text: str
    ended: bool
    confidence: float = 1.0
    words: tuple[SpokenWord, ...] = ()


class StreamingTranscriber(Model, Protocol):
    """Recognises while audio comes in."""

    def feed(self, audio: AudioChunk, options: StreamOptions) -> Partial:
        """Add audio to a stream and return what is heard so far."""
        ...


class Placement(Struct, frozen=True, kw_only=True):
    """Where a loaded model really runs, from the run of its canary; never from what was asked.

    device: `cpu`, `gpu:cuda`, ...; `cpu (partial)` and the like when its nodes are divided.
    nodes: how many nodes of the graph each provider ran; empty when the engine does not tell.
    """

    device: str
    nodes: dict[str, int] = {}


class Placed(Model, Protocol):
    """A model whose engine tells where it runs."""

    def placement(self) -> Placement:
        """Where the nodes of the canary's run were executed."""
        ...


class Tensors(Struct, frozen=True, kw_only=True):
    """Named tensors; parts: their bytes, one tensor after the other, cut anywhere.

    computed_us: how long the graph ran, when these are its outputs.
    """

    tensors: tuple[TensorFacts, ...]
    parts: tuple[Buffer, ...]
    computed_us: int = 0


class InferOptions(Struct, frozen=True, kw_only=True):
    """real: float32 for quantized inputs and outputs. outputs: only these; empty: all."""

    real: bool = False
    outputs: tuple[str, ...] = ()


class BatchItem(Struct, frozen=True, kw_only=True):
    """One caller's tensors in a batch; parts: how many of the batch's parts are theirs."""

    tensors: tuple[TensorFacts, ...]
    options: InferOptions
    parts: int


class Batch(Struct, frozen=True, kw_only=True):
    """Several callers' requests. pads: lengths of free dimensions may differ."""

    items: tuple[BatchItem, ...]
    pads: bool
    parts: tuple[Buffer, ...]


class BatchProblem(Struct, frozen=True, kw_only=True):
    """Why one caller of a batch gets no tensors; see EdgedError."""

    code: str
    message: str
    fix: str


class BatchAnswer(Struct, frozen=True, kw_only=True):
    """What one caller of a batch gets: tensors, or a problem. together: how many ran as one."""

    tensors: tuple[TensorFacts, ...] = ()
    parts: int = 0
    problem: BatchProblem | None = None
    computed_us: int = 0
    together: int = 1


class BatchAnswers(Struct, frozen=True, kw_only=True):
    """An answer for each request of a batch, in their order."""

    answers: tuple[BatchAnswer, ...]
    parts: tuple[Buffer, ...]


class Inference(Model, Protocol):
    """Runs a graph as it is, without knowing what it means."""

    def signature(self) -> Signature:
        """What the graph takes and gives."""
        ...

    def infer(self, inputs: Tensors, options: InferOptions) -> Tensors:
        """The outputs of the graph, in its order.

        Raises:
            BadRequest: names, shapes, types or the number of bytes are not the graph's.
        """
        ...

    def infer_batch(self, batch: Batch) -> BatchAnswers:
        """Several callers' requests, as one run where that gives each what it gets alone.

        One that is wrong, or fails, fails alone.
        """
        ...


class ClassifyOptions(Struct, frozen=True, kw_only=True):
    """At most top_k classes, none with a lower score than min_score."""

    top_k: int = 5
    min_score: float = 0.0


class Classified(Struct, frozen=True, kw_only=True):
    """Labels, the greatest score first; computed_us: from the input to the labels, likewise below.

    width, height: of a picture, in pixels.
    """

    classes: tuple[Class, ...]
    computed_us: int = 0
    width: int = 0
    height: int = 0


class ImageClassifier(Model, Protocol):
    """Says what a picture shows."""

    def classify(self, picture: Picture, options: ClassifyOptions) -> Classified:
        """The labels of a picture.

        Raises:
            BadMedia: the bytes are no picture that can be read, or a bomb.
        """
        ...


class Detected(Struct, frozen=True, kw_only=True):
    """What was found, the greatest score first; width, height: of the picture, in pixels."""

    objects: tuple[DetectedObject, ...]
    width: int
    height: int
    computed_us: int = 0


class ObjectDetector(Model, Protocol):
    """Finds things in a picture."""

    def detect(self, picture: Picture, options: ClassifyOptions) -> Detected:
        """The things in a picture; errors as for ImageClassifier."""
        ...


class Vector(Struct, frozen=True, kw_only=True):
    """float32 little-endian, shape (n,); width, height: of a picture, in pixels."""

    data: bytes | memoryview
    computed_us: int = 0
    width: int = 0
    height: int = 0


class EmbedOptions(Struct, frozen=True, kw_only=True):
    """unit: scale the vector to length 1."""

    unit: bool = True


class ImageEmbedder(Model, Protocol):
    """Turns a picture into a vector."""

    def embed(self, picture: Picture, options: EmbedOptions) -> Vector:
        """The vector of a picture; errors as for ImageClassifier."""
        ...


class Segmented(Struct, frozen=True, kw_only=True):
    """uint8 per pixel, rows from the top, shape (height, width); see messages.replies.Mask."""

    data: bytes | memoryview
    kind: Literal["category", "confidence"]
    width: int
    height: int
    labels: tuple[str, ...]
    computed_us: int = 0


class ImageSegmenter(Model, Protocol):
    """Divides a picture."""

    def segment(self, picture: Picture) -> Segmented:
        """The mask, of the picture's own size; errors as for ImageClassifier."""
        ...


class HearOptions(Struct, frozen=True, kw_only=True):
    """How to hear one piece of a longer audio.

    top_k, min_score: as for ClassifyOptions.
    hop: samples from window to window; less than the model's own counts for nothing.
    final: nothing follows: what is left is padded with silence.
    sums: of the piece before, from Heard; empty for the first.
    """

    top_k: int = 5
    min_score: float = 0.0
    hop: int = 0
    final: bool = True
    sums: bytes | memoryview = b""


class Heard(Struct, frozen=True, kw_only=True):
    """Labels of each window of a piece; classes: of all pieces so far, the mean of their scores.

    hop: samples from window to window, as used.
    used: samples from the piece's first to the next window, which may begin behind its end; those
        before need not come again.
    sums: float64 little-endian: how much time was heard, and each score times that; for the next.
    """

    classes: tuple[Class, ...]
    windows: tuple[AudioWindow, ...]
    hop: int
    used: int
    sums: bytes | memoryview
    computed_us: int = 0


class AudioClassifier(Model, Protocol):
    """Says what is heard."""

    def hear(self, audio: AudioChunk, options: HearOptions) -> Heard:
        """The labels of a piece of audio, window by window."""
        ...


class Text(Struct, frozen=True, kw_only=True):
    """A text of the user's; never logged."""

    text: str


class TextClassifier(Model, Protocol):
    """Labels a text."""

    def label(self, text: Text, options: ClassifyOptions) -> Classified:
        """The labels of a text."""
        ...
