"""Seeing: what a picture or a frame shows, streams of frames, and the tracks that a session keeps.

Coordinates, unless something else is said: x and y are fractions of the picture's width and height
from its left upper corner (outside [0, 1] where the point lies outside the picture); z is on the
scale of x, less is nearer; world points are metres from the middle of the hips or of the hand, x to
the picture's right, y down. docs/SEEING.md names every point, and edged.vision.names has them typed.
"""

from typing import Annotated, Literal

from msgspec import Meta

from edged.media import ImageFormat
from edged.messages.records import Class, DetectedObject
from edged.messages.wire import (
    Count,
    Fraction,
    Id,
    Milliseconds,
    ModelId,
    Path,
    Priority,
    Record,
    Reply,
    Request,
    Timestamp,
)

VisionTask = Literal[
    "face",
    "face_mesh",
    "hands",
    "pose",
    "holistic",
    "iris",
    "segment",
    "detect",
    "classify",
    "embed",
]
Complexity = Literal["lite", "full", "heavy"]
TrackKind = Literal["face", "hands", "pose", "objects", "screen"]
LandmarkKind = Literal["face", "hands", "pose"]
DerivedKind = Literal["gestures", "posture", "activity", "blinks"]
Effect = Literal["mask", "blur", "replace", "cutout"]
PointsAs = Literal["values", "parts"]

KeepAlive = Annotated[int, Meta(ge=-1, le=2**53)]
TargetFps = Annotated[float, Meta(gt=0.0, le=240.0)]
Colour = Annotated[str, Meta(pattern=r"^#[0-9a-fA-F]{6}$")]
Points = tuple[tuple[float, ...], ...]
Box = tuple[float, float, float, float]
"""Left, top, width and height, as fractions of the picture."""


class Look(Record, frozen=True, forbid_unknown_fields=True):
    """What is wanted of a picture, or of every frame.

    complexity: of bodies. most: so many faces, hands, bodies or objects at most; None: the model's own.
    min_detection_confidence, min_tracking_confidence: what is less sure is not told, or is looked
        for again; of single pictures only the first counts.
    min_score, top_k: for `detect` and `classify`; min_score None: objects 0.5, classes 0. Objects are
        at most `most`, or else top_k.
    effect: for `segment`: the mask itself, or the picture with its background blurred, replaced by
        `background`, or cut out (PNG with alpha).
    points: as numbers in the reply, or as float32 in its parts.
    """

    task: VisionTask
    model: ModelId | None = None
    complexity: Complexity = "full"
    most: Annotated[int, Meta(ge=1, le=100)] | None = None
    min_detection_confidence: Fraction = 0.5
    min_tracking_confidence: Fraction = 0.5
    min_score: Fraction | None = None
    top_k: Annotated[int, Meta(ge=1, le=1000)] = 5
    effect: Effect = "mask"
    background: Colour = "#ffffff"
    points: PointsAs = "values"


class See(Request, frozen=True, tag="see"):
    """Looks at a picture or at a video file: `seen` for each frame, then `looked`.

    path: of a picture or a video. image: how the raw pixels in parts are to be read; without it the
        parts are a whole JPEG, PNG or WebP file.
    fps: of a video: so many frames a second of it; None: all.
    """

    look: Look
    path: Path | None = None
    image: ImageFormat | None = None
    fps: TargetFps | None = None
    priority: Priority = "interactive"
    keep_alive_ms: KeepAlive | None = None


class Eye(Record, frozen=True):
    """One eye. openness: height by width of the opening, 0 when shut, about 0.3 when open.

    iris: its middle, and radius on the scale of x; None and 0 without a model for it.
    """

    openness: float
    iris: tuple[float, float] | None = None
    radius: float = 0.0


class Gaze(Record, frozen=True):
    """Where both eyes look, relative to the face, in degrees; error: about as much it may be off.

    yaw: to the right of the picture is positive. pitch: up is positive.
    """

    yaw: float
    pitch: float
    error: float
    direction: Literal["left", "right", "up", "down", "centre"]


class Eyes(Record, frozen=True):
    """The eyes of a face, the person's own left and right; gaze: None without irises."""

    left: Eye
    right: Eye
    gaze: Gaze | None = None


class Face(Record, frozen=True):
    """One face. landmarks: 6 key points (x, y), or a mesh of 468 or, with irises, 478 (x, y, z).

    score: None where the model gives none. blendshapes: 52 expressions in [0, 1], when the model has them.
    transform: 4 x 4, row by row: from the canonical face (centimetres) to the camera; likewise.
    """

    score: Fraction | None = None
    box: Box | None = None
    landmarks: Points = ()
    blendshapes: dict[str, float] = {}
    transform: tuple[float, ...] = ()
    eyes: Eyes | None = None


class Hand(Record, frozen=True):
    """One hand: 21 points (x, y, z).

    handedness: the person's own `Left` or `Right`, for a picture that is not mirrored.
    gesture: Closed_Fist, Open_Palm, Pointing_Up, Thumb_Up, Thumb_Down, Victory, ILoveYou; empty: none.
    body: index of the pose in the same reply that it belongs to, when one was looked for.
    """

    handedness: Literal["Left", "Right"]
    score: Fraction
    gesture: str = ""
    gesture_score: Fraction = 0.0
    landmarks: Points = ()
    world_landmarks: Points = ()
    body: Count | None = None


class Angle(Record, frozen=True):
    """Degrees at a joint, 0 to 180; visibility: of the least visible of its points."""

    degrees: float
    visibility: Fraction


class Pose(Record, frozen=True):
    """One body: 33 points (x, y, z, visibility), and 33 world points (x, y, z).

    angles: of joints, from the world points; docs/SEEING.md defines them.
    classification: of the posture: standing, sitting, lying, arms_raised, bending; empty: unknown.
    """

    landmarks: Points = ()
    world_landmarks: Points = ()
    angles: dict[str, Angle] = {}
    classification: str = ""
    box: Box | None = None


class MaskFacts(Record, frozen=True):
    """A mask or an effect's picture in the parts.

    kind: `category` or `confidence` as for `images.segment`; `picture`: a file of `media_type`.
    """

    kind: Literal["category", "confidence", "picture"]
    width: Count
    height: Count
    labels: tuple[str, ...] = ()
    media_type: str = ""


class PartFacts(Record, frozen=True):
    """What lies in the parts, one after another, cut anywhere.

    of: `face`, `hands`, `hands_world`, `pose`, `pose_world`, `mask`, `picture` or `vector`.
    dtype: float32 (little-endian), int64 or uint8; shape: of the array; size_bytes: of it.
    source: of `frames.list`, number of the source of pictures.
    """

    of: str
    dtype: Literal["float32", "int64", "uint8"]
    shape: tuple[Count, ...]
    size_bytes: Count
    source: Count = 0


class Seen(Reply, frozen=True, tag="seen"):
    """What one frame shows; fields of other tasks stay empty.

    frame_id: as the client gave it; else counted from 0.
    captured_at_ms: of a client's frame as it said; of a video, from its start; else milliseconds of
        the epoch.
    processing_time_ms: from the frame to the result, without waiting for its turn.
    vector: how many dimensions the vector in the parts has.
    dropped: frames of this stream that were not looked at, so far, because newer ones came.
    """

    frame_id: Count
    captured_at_ms: Milliseconds
    processing_time_ms: float
    task: VisionTask
    model: str
    device: str
    width: Count
    height: Count
    faces: tuple[Face, ...] = ()
    hands: tuple[Hand, ...] = ()
    poses: tuple[Pose, ...] = ()
    objects: tuple[DetectedObject, ...] = ()
    classes: tuple[Class, ...] = ()
    masks: tuple[MaskFacts, ...] = ()
    vector: Count = 0
    parts: tuple[PartFacts, ...] = ()
    dropped: Count = 0


class Stretch(Record, frozen=True):
    """Time in which things of a kind were seen without a break of a second.

    of: face, hand, pose, or an object's label. most: at once.
    """

    of: str
    start_ms: Milliseconds
    end_ms: Milliseconds
    frames: Count
    most: Count = 1


class FrameCounts(Record, frozen=True):
    """Frames of a source or stream. still: left out since nothing moved; late: since newer ones came.

    detected: in which something was found. lost: with a worker that ended.
    The rates are of the last seconds, in frames a second; 0 when it is over.
    """

    captured: Count = 0
    processed: Count = 0
    still: Count = 0
    late: Count = 0
    lost: Count = 0
    detected: Count = 0
    captured_fps: float = 0.0
    processed_fps: float = 0.0
    skipped_fps: float = 0.0
    detected_fps: float = 0.0


class Looked(Reply, frozen=True, tag="looked"):
    """The end of `see`. fps: frames looked at in a second of work; tracks: of a video.

    lost: frames that a worker took with it when it ended; they are not among `frames`.
    """

    frames: Count
    detected: Count
    fps: float
    duration_ms: Milliseconds = 0
    tracks: tuple[Stretch, ...] = ()
    lost: Count = 0


class StreamFrame(Request, frozen=True, tag="stream.frame"):
    """One frame for an open stream of kind `frames`, in parts; answered when it is taken.

    frame_id: grows; None: counted. captured_at_ms: the client's clock, grows; None: when it came.
    image: raw pixels; without it the parts are a whole JPEG, PNG or WebP file.
    """

    stream: Id
    frame_id: Count | None = None
    captured_at_ms: Milliseconds | None = None
    image: ImageFormat | None = None


class FrameTaken(Reply, frozen=True, tag="frame_taken"):
    """The frame is taken. dropped: frames of the stream that were replaced by newer ones, so far."""

    stream: Id
    frame_id: Count
    dropped: Count = 0


class FramesLost(Reply, frozen=True, tag="frames_lost"):
    """Frames from one to another were not looked at, and the stream goes on.

    reason: worker_gone, stalled, device_lost, locked, bad_media (no picture that can be read).
    """

    stream: Id
    first_frame: Count
    last_frame: Count
    reason: str


class SessionsFrame(Request, frozen=True, tag="sessions.frame"):
    """One frame for a source of kind `frames` of a running session; as `stream.frame`.

    captured_at_ms: on the session's clock; None: now. source: which of its `frames` sources, from 0.
    """

    session_id: Id
    frame_id: Count | None = None
    captured_at_ms: Milliseconds | None = None
    image: ImageFormat | None = None
    source: Annotated[int, Meta(ge=0, le=3)] = 0


class SessionFrameTaken(Reply, frozen=True, tag="session_frame_taken"):
    """The frame is taken. dropped: as in `frame_taken`."""

    session_id: Id
    frame_id: Count
    dropped: Count = 0


class SightState(Record, frozen=True):
    """One seeing source of a session, or a stream.

    lost: why it gives nothing now. models: by kind of track. started_by: of a stream, the client's name.
    """

    kind: str
    device: str = ""
    lost: str = ""
    models: dict[str, str] = {}
    target_fps: float = 0.0
    counts: FrameCounts = FrameCounts()
    started_by: str = ""


class SightGap(Record, frozen=True):
    """Time in which a seeing source gave nothing. source: from 0.

    reason: opening, paused, stalled, device_lost, locked, worker_gone, disk_full, killed, stopped_late.
    """

    source: Count
    start_ms: Milliseconds
    end_ms: Milliseconds
    reason: str


class FramesList(Request, frozen=True, tag="frames.list"):
    """Landmarks that a session kept, in order of time.

    from_ms, to_ms: from the session's start, `to_ms` not included; with `wall`, milliseconds of the
        epoch, here and in the reply. kinds: empty: all. source: of pictures, from 0; None: all.
    fps: at most so many frames a second; None: all.
    smooth: by a one-euro filter; what is stored stays as it was seen.
    limit: frames of a page at most; it ends earlier behind about 130,000 numbers, or 1 million in parts.
    """

    session_id: Id
    from_ms: Milliseconds = 0
    to_ms: Milliseconds | None = None
    kinds: tuple[LandmarkKind, ...] = ()
    fps: TargetFps | None = None
    wall: bool = False
    smooth: bool = False
    points: PointsAs = "values"
    limit: Annotated[int, Meta(ge=1, le=5_000)] = 500
    source: Annotated[int, Meta(ge=0, le=63)] | None = None


class Kept(Record, frozen=True):
    """What is kept of one frame, of one kind.

    slot: which of the things that were seen at once; for hands 0 is the left, 1 the right one.
    world_landmarks: of poses. source: number of the source of pictures.
    """

    at_ms: Milliseconds
    kind: LandmarkKind
    slot: Count
    landmarks: Points
    world_landmarks: Points = ()
    source: Count = 0


class Frames(Reply, frozen=True, tag="frames"):
    """A page of `frames.list`. next_ms: `from_ms` of the next page; None: this is the last.

    With parts there are no `frames`; for each kind the parts hold `face_at` (int64, milliseconds,
    shape (n,)) and `face` (float32, (n, slots, points, values); NaN where nothing was seen), and
    so on; values: of the last axis, by kind.
    """

    session_id: Id
    frames: tuple[Kept, ...] = ()
    parts: tuple[PartFacts, ...] = ()
    values: dict[str, tuple[str, ...]] = {}
    models: dict[str, str] = {}
    next_ms: Milliseconds | None = None


class FramesExport(Request, frozen=True, tag="frames.export"):
    """Landmarks of a session as a file: CSV, NPZ (NumPy) or JSON; fields as for `frames.list`."""

    session_id: Id
    format: Literal["csv", "npz", "json"]
    from_ms: Milliseconds = 0
    to_ms: Milliseconds | None = None
    kinds: tuple[LandmarkKind, ...] = ()
    fps: TargetFps | None = None
    smooth: bool = False
    source: Annotated[int, Meta(ge=0, le=63)] | None = None


class FramesPart(Reply, frozen=True, tag="frames_part"):
    """A piece of an export in binary frames, in order; `done` ends it."""

    session_id: Id
    format: Literal["csv", "npz", "json"]
    media_type: str
    offset: Count
    size_bytes: Count
    progress: Fraction = 0.0


class FramesSearch(Request, frozen=True, tag="frames.search"):
    """Where things were seen: by an object's `label`, or key frames similar to a picture.

    With a session_id alone: all its objects, in order of time.
    path, image: the picture, as for `see`.
    """

    label: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    path: Path | None = None
    image: ImageFormat | None = None
    session_id: Id | None = None
    min_score: Fraction = 0.0
    limit: Annotated[int, Meta(ge=1, le=1000)] = 20


class Sighting(Record, frozen=True):
    """A hit. score: of the object, or how similar the frame is (cosine). frame_id: of a key frame."""

    session_id: Id
    start_ms: Milliseconds
    end_ms: Milliseconds
    score: float
    label: str = ""
    frame_id: Id | None = None
    timestamp: Timestamp = ""


class Sightings(Reply, frozen=True, tag="sightings"):
    """Hits, the best first; model: what compared pictures."""

    sightings: tuple[Sighting, ...]
    model: str = ""


class FramesImage(Request, frozen=True, tag="frames.image"):
    """A key frame of a session's screen, as a picture file in parts."""

    frame_id: Id


class FrameImage(Reply, frozen=True, tag="frame_image"):
    """The picture is in the parts. at_ms: on the session's clock."""

    frame_id: Id
    session_id: Id
    at_ms: Milliseconds
    width: Count
    height: Count
    media_type: str
    size_bytes: Count


class TracksDerive(Request, frozen=True, tag="tracks.derive"):
    """Experimental: what follows from a session's landmarks; nothing of it is stored."""

    session_id: Id
    tracks: Annotated[tuple[DerivedKind, ...], Meta(min_length=1)]
    from_ms: Milliseconds = 0
    to_ms: Milliseconds | None = None


class Derived(Record, frozen=True):
    """One stretch of a derived track. label: gesture or posture; value: in the track's `unit`."""

    track: DerivedKind
    start_ms: Milliseconds
    end_ms: Milliseconds
    label: str = ""
    value: float | None = None
    unit: str = ""
    hand: Literal["Left", "Right", ""] = ""


class DerivedTracks(Reply, frozen=True, tag="derived_tracks"):
    """Stretches in order of time. definitions: what each track is, and its source."""

    session_id: Id
    derived: tuple[Derived, ...]
    definitions: dict[str, str] = {}
    experimental: bool = True
