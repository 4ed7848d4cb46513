"""Faces, hands, bodies and who stands before the background, by MediaPipe's Tasks on the processor or a GPU.

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
from edged.models.engines.mediapipe_finders import Faces, Meshes, bodies, gestures, hands
from edged.models.engines.mediapipe_library import frame_of, placement_of
from edged.models.engines.mediapipe_results import take_over
from edged.models.engines.mediapipe_segmenter import Segmenter
from edged.models.engines.placement import note
from edged.models.engines.seeing import memory
from edged.models.engines.seeing.found import Part
from edged.models.engines.seeing.seer import FrameSeer
from edged.models.runtime import Model, ModelSpec
from edged.workers.context import WorkerContext

_NOSE = 1
"""The tip of the nose in MediaPipe's mesh."""

_PARTS: Mapping[str, tuple[Part, ...]] = {
    "face_detect": (Part("face", "model", Faces),),
    "face_landmarks": (Part("face", "model", Meshes, _NOSE),),
    "iris_landmarks": (Part("face", "face", Meshes, _NOSE),),
    "hand_landmarks": (Part("hands", "model", hands),),
    "gestures": (Part("hands", "model", gestures),),
    "pose_landmarks": (Part("pose", "model", bodies),),
    "holistic_landmarks": (
        Part("face", "face", Meshes, _NOSE),
        Part("hands", "hands", hands),
        Part("pose", "pose", bodies),
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
    note(spec.id, model, lambda _: placement_of(spec.id))
    return model


def _model(spec: ModelSpec) -> Model:
    if spec.task == "image_segment":
        return Segmenter(spec)
    if spec.task not in _PARTS:
        raise Unsupported(f"MediaPipe does not know the task {spec.task}", model=spec.id)
    memory.settle()
    take_over()
    return FrameSeer(spec, _PARTS[spec.task], frame_of)
