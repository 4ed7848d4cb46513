"""What the work after the end is to do, and of what; the wish names its results."""

import hashlib

import msgspec
from msgspec import Struct

from edged.errors import EdgedError, EngineMissing, ModelMissing, Unsupported
from edged.messages.records import Problem
from edged.messages.wire import Priority
from edged.models.pool import Pool
from edged.pipeline.plan import Plan, of_task
from edged.pipeline.sources import Audible


class Track(Struct, frozen=True):
    """One recording of the session, and how it is heard. Whoever opened it closes it."""

    recording_id: str
    source: Audible


class Wish(Struct, frozen=True, kw_only=True):
    """How a session is worked on; two equal wishes give the same result.

    plan: of recognition. lexicons: names of the active ones.
    diarizer: a model's id; empty: speakers are not told apart. voices: hashes of its files.
    feelings: a model's id; empty: there is none. feeling_files: as for the diarizer.
    speakers: how many there are; 0: nobody knows.
    again: names one wish to do it again although it was done.
    """

    plan: Plan
    lexicons: tuple[str, ...] = ()
    diarizer: str = ""
    diarizer_files: tuple[str, ...] = ()
    speakers: int = 0
    feelings: str = ""
    feeling_files: tuple[str, ...] = ()
    again: str = ""

    @property
    def fingerprint(self) -> str:
        """A hash over everything that shapes the result."""
        digest = hashlib.sha256(msgspec.msgpack.encode(self)).hexdigest()
        return f"after {digest[:32]}"


class Errand(Struct, frozen=True, kw_only=True):
    """One run of the work: of which session, how urgent, and for which job, if for any."""

    session_id: str = ""
    priority: Priority
    job_id: str | None = None
    keep_alive_ms: int | None = None


def choose(
    pool: Pool,
    plan: Plan,
    *,
    lexicons: tuple[str, ...] = (),
    diarize: bool = True,
    speakers: int = 0,
    again: str = "",
) -> tuple[Wish, tuple[Problem, ...]]:
    """A wish, and the stages that have no model to run on here.

    Args:
        pool: knows the models.
        plan: of recognition.
        lexicons: names of the active ones.
        diarize: tell speakers apart, if a model can.
        speakers: how many there are; 0: nobody knows.
        again: names one wish to do it again.
    """
    diarizer, no_diarizer = _model(pool, "diarize") if diarize else ("", None)
    feelings, no_feelings = _model(pool, "speech_emotion")
    wish = Wish(
        plan=plan,
        lexicons=lexicons,
        diarizer=diarizer,
        diarizer_files=_files(pool, diarizer),
        speakers=speakers,
        feelings=feelings,
        feeling_files=_files(pool, feelings),
        again=again,
    )
    return wish, tuple(one for one in (no_diarizer, no_feelings) if one is not None)


def problem_of(error: EdgedError) -> Problem:
    """An error as data."""
    return Problem(code=error.code, message=error.message, fix=error.fix)


def _model(pool: Pool, task: str) -> tuple[str, Problem | None]:
    try:
        return of_task(pool, task).id, None
    except (ModelMissing, EngineMissing, Unsupported) as error:
        return "", Problem(
            code=ModelMissing.code,
            message=f"{task} left out: {error.message}",
            fix=f"`edged models list --task {task}` shows what can be pulled",
        )


def _files(pool: Pool, model: str) -> tuple[str, ...]:
    return tuple(file.sha256 for file in pool.manifest(model).files) if model else ()
