"""Who looks at a source of pictures, by what a session asks for."""

from collections.abc import Sequence
from functools import partial

from edged.config import Config
from edged.errors import ModelMissing
from edged.messages.seeing import LandmarkKind, Look
from edged.messages.sessions import SessionsStart, SourceWish
from edged.models.pool import Pool
from edged.pipeline.seeing.choosing import Plan, choose, choose_kinds
from edged.pipeline.seeing.eyes import open_eyes
from edged.sessions.landmark_watch import LandmarkWatch
from edged.sessions.object_watch import ObjectWatch
from edged.sessions.onlooking import Onlooker
from edged.sessions.screen_watch import Encodes, ScreenWatch

_OBJECTS = 20
"""Of a frame at most; a detector gives fewer."""


class Watches:
    """Finds onlookers; fulfils edged.sessions.onlooking.OpenOnlookers. Loop thread only.

    Args:
        pool, config: the daemon's.
        stills: make files of frames.
    """

    def __init__(self, pool: Pool, config: Config, stills: Encodes) -> None:
        self._pool = pool
        self._config = config
        self._stills = stills

    def __call__(self, options: SessionsStart, wish: SourceWish) -> tuple[Onlooker, ...]:
        """Who looks at a source.

        A screen of a session that wants key frames is not searched for people, unless there is
        nothing else to look at.

        Raises:
            ModelMissing, EngineMissing: what was asked for cannot be looked for here.
        """
        onlookers: list[Onlooker] = []
        if options.screen and wish.kind == "screen":
            onlookers.append(self._screen())
        if not onlookers or all(one.kind == "screen" for one in options.seen):
            onlookers += self._people_and_things(options)
        return tuple(onlookers)

    def _people_and_things(self, options: SessionsStart) -> Sequence[Onlooker]:
        found: list[Onlooker] = []
        if kinds := kinds_of(options):
            found.append(self._landmarks(options, kinds))
        if options.objects:
            look = Look(task="detect", top_k=_OBJECTS, min_score=options.min_detection_confidence)
            plan = choose(self._pool, self._config.defaults, look)
            eyes = partial(open_eyes, self._pool, plan, priority="session")
            found.append(ObjectWatch(eyes, model=plan.model))
        return found

    def _landmarks(self, options: SessionsStart, kinds: tuple[LandmarkKind, ...]) -> LandmarkWatch:
        plan = choose_kinds(
            self._pool,
            self._config.defaults,
            kinds,
            complexity=options.complexity,
            min_detection_confidence=options.min_detection_confidence,
            min_tracking_confidence=options.min_tracking_confidence,
            irises="blinks" in options.derived,
        )
        return LandmarkWatch(
            lambda stream: open_eyes(
                self._pool, plan, stream=stream, keep=True, priority="session"
            ),
            model=plan.model,
            kinds=kinds,
            gestures="gestures" in options.derived and "hands" in kinds,
        )

    def _screen(self) -> ScreenWatch:
        plan = self._embedding()
        return ScreenWatch(
            self._stills,
            change=self._config.seeing.change,
            open_eyes=None if plan is None else partial(open_eyes, self._pool, plan),
            model="" if plan is None else plan.model,
        )

    def _embedding(self) -> Plan | None:
        """What makes key frames comparable, where it can run."""
        if self._pool.default("image_embed")[0] is None:
            return None
        try:
            return choose(self._pool, self._config.defaults, Look(task="embed"))
        except ModelMissing:
            return None


def kinds_of(options: SessionsStart) -> tuple[LandmarkKind, ...]:
    """The landmarks that a session keeps."""
    asked: tuple[tuple[LandmarkKind, bool], ...] = (
        ("face", options.face),
        ("hands", options.hands),
        ("pose", options.pose),
    )
    return tuple(kind for kind, wanted in asked if wanted)
