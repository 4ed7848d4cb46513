"""What models of seeing can do with a frame, alone or in a stream: the Protocol and what it gives.

As edged.models.runtime: adapters fulfil it in a worker, callers borrow it through a Lease.
"""

from typing import Annotated, Protocol

from msgspec import Meta, Struct

from edged.media import Picture
from edged.messages.seeing import Angle, Box, Effect, Eyes, LandmarkKind
from edged.models.runtime import ImageSegmenter, Model


class SeeOptions(Struct, frozen=True, kw_only=True):
    """How to look at one frame.

    stream: whose tracking state to use and keep; empty: the picture stands alone.
    at_ms: of the frame on the stream's clock; grows from frame to frame.
    kinds: only these of what the model can see; empty: all. A stream has the same from its first frame on.
    most: so many of a kind at most; 0: as many as the model's manifest says. Of a model of several
        kinds: so many faces and bodies, and twice as many hands.
    min_detection, min_tracking: in [0, 1]. A stream has the ones of its first frame.
    keep: collect the landmarks of this stream, and seal a block of each kind once a second.
    """

    stream: Annotated[str, Meta(max_length=64)] = ""
    at_ms: int = 0
    kinds: tuple[LandmarkKind, ...] = ()
    most: int = 0
    min_detection: float = 0.5
    min_tracking: float = 0.5
    keep: bool = False


class SeeStream(Struct, frozen=True, kw_only=True):
    """A stream by its name."""

    stream: Annotated[str, Meta(min_length=1, max_length=64)]


class Group(Struct, frozen=True, kw_only=True):
    """The things of one kind in a frame; their numbers lie in Sight.points and Sight.world.

    count: how many. points: of each one. values: of each point, `x y z` or `x y z visibility`.
    world_points: of each one, (x, y, z); 0 where the model has none.
    scores, labels (handedness: the person's own Left or Right), boxes: of each one, or empty.
    slots: of each one, its place in the kept blocks, which it keeps while it is followed; only of
        streams that are kept.
    """

    kind: LandmarkKind
    count: int
    points: int = 0
    values: tuple[str, ...] = ()
    world_points: int = 0
    scores: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    boxes: tuple[Box, ...] = ()
    slots: tuple[int, ...] = ()


class HandSigns(Struct, frozen=True, kw_only=True):
    """What a hand shows and to which body (index in the frame) it belongs; empty and None: unknown."""

    gesture: str = ""
    score: float = 0.0
    body: int | None = None


class FaceSigns(Struct, frozen=True, kw_only=True):
    """Expressions, the 4 x 4 transform row by row, and eyes of a face, where the model has them."""

    blendshapes: dict[str, float] = {}
    transform: tuple[float, ...] = ()
    eyes: Eyes | None = None


class BodySigns(Struct, frozen=True, kw_only=True):
    """Joint angles and posture of a body."""

    angles: dict[str, Angle] = {}
    posture: str = ""


class SealedBlock(Struct, frozen=True, kw_only=True):
    """One second of one kind, encoded by edged.vision.blocks; its bytes are in Sight.blocks.

    second: since the stream's 0. frames: looked at; detected: with something in them.
    """

    kind: LandmarkKind
    second: int
    start_ms: int
    end_ms: int
    frames: int
    detected: int


class Sight(Struct, frozen=True, kw_only=True):
    """What a frame shows.

    points: float32 little-endian, group after group, each of shape (count, points, len(values)).
    world: likewise, (count, world_points, 3), of the groups that have them.
    width, height: of the frame, upright, in pixels. computed_us: from the pixels to the result.
    sealed, blocks: of the seconds that are over, when the stream is kept.
    fresh: the frame is its stream's first one here; again in the midst of a stream, when another
        worker took its place: what that one had not sealed is lost.
    """

    groups: tuple[Group, ...] = ()
    points: bytes | memoryview = b""
    world: bytes | memoryview = b""
    width: int = 0
    height: int = 0
    computed_us: int = 0
    hands: tuple[HandSigns, ...] = ()
    faces: tuple[FaceSigns, ...] = ()
    bodies: tuple[BodySigns, ...] = ()
    sealed: tuple[SealedBlock, ...] = ()
    blocks: tuple[bytes | memoryview, ...] = ()
    fresh: bool = False


class Seer(Model, Protocol):
    """Finds faces, hands and bodies, and follows them from frame to frame."""

    def see(self, picture: Picture, options: SeeOptions) -> Sight:
        """What a frame shows.

        Raises:
            BadRequest: the frame is not newer than the stream's last one, or wrong raw pixels.
            BadMedia: no picture that can be read, or a bomb. Busy: too many streams are open.
        """
        ...

    def finish(self, stream: SeeStream) -> Sight:
        """End a stream and free what it holds: what is left of its blocks, and nothing else.

        A stream that is not known gives an empty sight.
        """
        ...


class EffectOptions(Struct, frozen=True, kw_only=True):
    """What becomes of the background: `blur`, `replace` by a colour (#rrggbb), or `cutout`."""

    effect: Effect
    background: str = "#ffffff"


class Effected(Struct, frozen=True, kw_only=True):
    """A picture as a file of `media_type`, of the original's width and height."""

    data: bytes | memoryview
    media_type: str
    width: int
    height: int
    computed_us: int = 0


class Effects(ImageSegmenter, Protocol):
    """A segmenter that can tell people from their background, and change it."""

    def change(self, picture: Picture, options: EffectOptions) -> Effected:
        """The picture with another background, its edges as in the picture.

        Raises:
            Unsupported: the effect is `mask`: `segment` gives it.
            EdgedError: as for `segment`.
        """
        ...
