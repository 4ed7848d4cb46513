"""Frames as a daemon tells them, for tests of what becomes of them."""

from array import array

from edged.messages.records import Class, DetectedObject
from edged.messages.seeing import (
    Angle,
    Eye,
    Eyes,
    Face,
    Gaze,
    Hand,
    MaskFacts,
    PartFacts,
    Pose,
    Seen,
    VisionTask,
)


def seen(
    task: VisionTask = "holistic", *, at_ms: int = 1_795_248_000_000, frame_id: int = 0
) -> Seen:
    """A frame that shows nothing."""
    return Seen(
        frame_id=frame_id,
        captured_at_ms=at_ms,
        processing_time_ms=10.4567,
        task=task,
        model="a-model",
        device="cpu",
        width=640,
        height=480,
    )


HAND = Hand(
    handedness="Right",
    score=0.97,
    gesture="Thumb_Up",
    gesture_score=0.9,
    landmarks=((0.123456789, 0.5, -0.1),) * 21,
    world_landmarks=((0.01, 0.08, 0.0),) * 21,
    body=0,
)
POSE = Pose(
    landmarks=((0.5, 0.2, -0.3, 0.99),) * 30 + ((0.5, 0.9, 0.0, 0.1),) * 3,
    world_landmarks=((0.0, -0.6, -0.2),) * 33,
    angles={
        "left_elbow": Angle(degrees=164.2, visibility=0.9),
        "right_knee": Angle(degrees=90.0, visibility=0.2),
        "neck": Angle(degrees=170.0, visibility=0.8),
    },
    classification="standing",
)
FACE = Face(
    score=0.9,
    box=(0.25, 0.25, 0.5, 0.5),
    landmarks=((0.5, 0.5),) * 6,
    blendshapes={"_neutral": 0.1, "mouthSmileLeft": 0.8, "jawOpen": 0.4, "browDown": 0.1},
    eyes=Eyes(
        left=Eye(openness=0.31),
        right=Eye(openness=0.1),
        gaze=Gaze(yaw=-12.0, pitch=3.0, error=6.0, direction="left"),
    ),
)
CUP = DetectedObject(label="cup", score=0.7, index=1, left=10, top=20, width=30, height=40)
TABBY = Class(label="tabby", score=0.61, index=282)

MASK = MaskFacts(kind="confidence", width=2, height=2, labels=("person",))
MASK_DATA = bytes((255, 255, 0, 0))
MASK_PART = PartFacts(of="mask", dtype="uint8", shape=(2, 2), size_bytes=4)

VECTOR_DATA = array("f", [0.25, -0.5]).tobytes()
VECTOR_PART = PartFacts(of="vector", dtype="float32", shape=(2,), size_bytes=8)
