"""Who speaks when, by weights: pyannote's segmentation in onnxruntime, voices by a speaker model.

sherpa-onnx has both in one call that takes a whole recording at once. Here windows of 10 s are taken
as they come, and of each only its local speakers are kept: some hundred bytes and a vector each, so
that ten hours are bounded. Without a speaker model the voices are told apart by their cepstra, as
edged.models.engines.bic_diarizer does, and no vectors come out.
"""

import numpy as np

from edged.errors import CorruptModel, Internal
from edged.media import AudioChunk
from edged.models.engines.diarizing import Streams, turns_of
from edged.models.engines.inputs import (
    Samples,
    has_file,
    number_of,
    samples_of,
    spec_from,
    word_of,
)
from edged.models.engines.ort import ORT_ERRORS, open_session
from edged.models.engines.sherpa_speaker import SherpaSpeaker
from edged.models.engines.voice import we_are
from edged.models.listening import Diarized, DiarizeOptions
from edged.models.runtime import ModelSpec
from edged.speech.diarization.stitching import SHIFT, WINDOW_FRAMES, Active
from edged.speech.diarization.voices import directions
from edged.speech.diarization.windowed import (
    WINDOW,
    CepstralGaussians,
    Likeness,
    Vectors,
    Windowed,
)
from edged.workers.context import WorkerContext

THRESHOLD = 0.6
"""Distance of two voices of one speaker, when the manifest gives none. No speaker model with weights
could be tried here."""

_SETS = np.array(
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]], np.bool_
)
"""Which of three local speakers each class of the segmentation model is."""


def load(argument: bytes, context: WorkerContext) -> "SherpaDiarization":
    """The diarizer that a worker hosts; files `segmentation` (or `model`), and `embedding` or none.

    Parameters: `threshold` (0.6), the distance of two voices of one speaker, in [0, 2];
    `voice_model`: the id of the model whose vectors these are; empty: this one's.

    Raises:
        ModelMissing: a file is not there. CorruptModel: the engine refuses it.
    """
    del context  # a window takes some hundredths of a second
    return SherpaDiarization(spec_from(argument))


class SherpaDiarization:
    """Fulfils Diarizer. It finds speech by itself: the spans of the options are not used."""

    def __init__(self, spec: ModelSpec) -> None:
        name = "segmentation" if has_file(spec, "segmentation") else "model"
        self._session = open_session(spec, name)
        self._model = spec.id
        self._has_vectors = has_file(spec, "embedding")
        self._voice_model = word_of(spec, "voice_model", spec.id)
        likeness = _likeness(spec)
        self._streams = Streams(lambda: Windowed(self._segment, likeness))
        self._check()

    def diarize(self, audio: AudioChunk, options: DiarizeOptions) -> Diarized:
        """Add a part; all turns, and a vector per speaker, with the final one.

        Raises:
            BadRequest: half a sample, more than 60 s at once, or a part that does not follow the last.
        """
        samples = samples_of(audio)
        recording = self._streams.take(audio, options)
        recording.feed(samples, final=options.final)
        if options.final:
            return self._answer(recording, options.speakers)
        self._streams.keep(recording, audio, options)
        return Diarized()

    def forget(self, options: DiarizeOptions) -> None:
        """Drop a stream that will not be finished; none of that name is well too."""
        self._streams.forget(options.stream)

    def canary(self) -> str:
        """How many tenths of a second a made-up voice is heard, by each local speaker."""
        samples = np.zeros(WINDOW, np.float32)
        voice = samples_of(AudioChunk(data=we_are()))
        samples[: 4 * len(voice)] = np.tile(voice, 4)
        frames = self._segment(samples).sum(axis=0)
        return " ".join(str(round(int(one) * SHIFT / 1600)) for one in frames)

    def _check(self) -> None:
        """Refuse a graph that is none of segmentation."""
        try:
            self._segment(np.zeros(WINDOW, np.float32))
        except Internal as error:
            message = f"{self._model} is no segmentation of 10 s of sound"
            raise CorruptModel(message, model=self._model) from error

    def _answer(self, recording: Windowed, speakers: int) -> Diarized:
        turns, voices = recording.turns(speakers)
        if voices is None or not self._has_vectors:
            return Diarized(turns=turns_of(turns))
        vectors = directions(voices).astype("<f4")
        return Diarized(
            turns=turns_of(turns),
            voices=vectors.tobytes(),
            dimensions=vectors.shape[1],
            voice_model=self._voice_model,
        )

    def _segment(self, window: Samples) -> Active:
        """In which frames each of three local speakers is active, shape (589, 3).

        Raises:
            CorruptModel: the graph gives something else. Internal: onnxruntime failed.
        """
        name = self._session.get_inputs()[0].name
        try:
            found = self._session.run(None, {name: window[np.newaxis, np.newaxis]})[0]
        except ORT_ERRORS as error:
            raise Internal("onnxruntime failed in segmentation") from error
        if found.shape != (1, WINDOW_FRAMES, len(_SETS)):
            raise CorruptModel(
                f"{self._model} is no segmentation of three speakers", model=self._model
            )
        active: Active = _SETS[found[0].argmax(axis=1)]
        return active


def _likeness(spec: ModelSpec) -> Likeness:
    """By vectors where there is a speaker model, else by cepstra."""
    if not has_file(spec, "embedding"):
        return CepstralGaussians()
    speaker = SherpaSpeaker(spec, "embedding")
    return Vectors(speaker.direction, threshold=number_of(spec, "threshold", THRESHOLD))
