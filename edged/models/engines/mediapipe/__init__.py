"""Faces, hands, bodies and who stands before the background, by MediaPipe's Tasks on the CPU.

Parameters of a manifest:
    most: so many faces, hands or bodies at most; 1, hands 2. Faces without a mesh: all.
    points: only so many of a mesh's points, when the library fills in others that are not known.
    complexity: of bodies: lite, full or heavy; for those who choose between models.

Files: `model.task` or `model.tflite`; for face, hands and body on one frame `face`, `hands` and
`pose`; for irises `face` and `iris.tflite`.
"""

from collections.abc import Mapping

from edged.errors import Unsupported
from edged.models.engines.inputs import spec_from
from edged.models.engines.mediapipe.seer import MediaPipeSeer, Part
from edged.models.engines.mediapipe.segmenter import Segmenter
from edged.models.engines.placement import note
from edged.models.runtime import Model, ModelSpec, Placement
from edged.workers.context import WorkerContext

_PARTS: Mapping[str, tuple[Part, ...]] = {
    "face_detect": (Part("face", "faces", "model"),),
    "face_landmarks": (Part("face", "meshes", "model"),),
    "iris_landmarks": (Part("face", "meshes", "face"),),
    "hand_landmarks": (Part("hands", "hands", "model"),),
    "gestures": (Part("hands", "gestures", "model"),),
    "pose_landmarks": (Part("pose", "bodies", "model"),),
    "holistic_landmarks": (
        Part("face", "meshes", "face"),
        Part("hands", "hands", "hands"),
        Part("pose", "bodies", "pose"),
    ),
}


def load(argument: bytes, context: WorkerContext) -> Model:
    """The model that a worker hosts.

    Raises:
        ModelMissing: a file is not there. CorruptModel: the library refuses it, or a parameter
            is wrong. Unsupported: the adapter does not know the task.
    """
    del context  # a call is too short to give way
    spec = spec_from(argument)
    model = _model(spec)
    note(spec.id, model, _placement)
    return model


def _model(spec: ModelSpec) -> Model:
    if spec.task == "image_segment":
        return Segmenter(spec)
    if spec.task not in _PARTS:
        raise Unsupported(f"MediaPipe does not know the task {spec.task}", model=spec.id)
    return MediaPipeSeer(spec, _PARTS[spec.task])


def _placement(model: Model) -> Placement:
    """The processor: the library is given no other delegate, and has no fallback to tell of."""
    del model
    return Placement(device="cpu")
