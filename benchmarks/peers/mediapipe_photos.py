"""The API that MediaPipe had until 0.10.21, on pictures: FOLDER holds RGB arrays, NAME.npy each.

Prints one line of JSON: of each picture, by its name, the things that each task finds, each as a list
of points (x, y), as fractions of the picture.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from mediapipe.python.solutions import (  # of the peer's environment
    face_detection,
    face_mesh,
    hands,
    pose,
)

Points = list[tuple[float, float]]


def _points(landmarks: Any) -> Points:  # noqa: ANN401 - a protobuf of the peer's
    return [(one.x, one.y) for one in landmarks]


def _faces(found: Any) -> list[Points]:  # noqa: ANN401 - likewise, as all that follow
    return [_points(one.location_data.relative_keypoints) for one in found.detections or ()]


def _meshes(found: Any) -> list[Points]:  # noqa: ANN401
    return [_points(one.landmark) for one in found.multi_face_landmarks or ()]


def _hands(found: Any) -> list[Points]:  # noqa: ANN401
    return [_points(one.landmark) for one in found.multi_hand_landmarks or ()]


def _poses(found: Any) -> list[Points]:  # noqa: ANN401
    return [_points(found.pose_landmarks.landmark)] if found.pose_landmarks else []


TASKS: dict[str, tuple[Callable[[], Any], Callable[[Any], list[Points]]]] = {
    "face": (lambda: face_detection.FaceDetection(model_selection=0), _faces),
    "face_mesh": (lambda: face_mesh.FaceMesh(static_image_mode=True), _meshes),
    "hands": (lambda: hands.Hands(static_image_mode=True, max_num_hands=2), _hands),
    "pose": (lambda: pose.Pose(static_image_mode=True, model_complexity=1), _poses),
}
"""How each is made, for pictures that stand alone, and how its result is read."""


def main() -> None:
    """Look at every picture with every task."""
    files = sorted(Path(sys.argv[1]).glob("*.npy"))
    pictures = {file.stem: np.ascontiguousarray(np.load(file)) for file in files}
    found: dict[str, dict[str, list[Points]]] = {name: {} for name in pictures}
    for task, (make, read) in TASKS.items():
        with make() as solution:
            for name, array in pictures.items():
                found[name][task] = read(solution.process(array))
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
