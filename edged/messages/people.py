"""Who speaks: speakers of a session, people of this store, statistics, lexicons."""

from typing import Annotated, Literal

from msgspec import Meta

from edged.messages.sessions import Lexicons
from edged.messages.wire import (
    Count,
    Fraction,
    Id,
    Milliseconds,
    Record,
    Reply,
    Request,
    Timestamp,
)

ClaimType = Literal["self", "user", "guest"]
Label = Annotated[str, Meta(min_length=1, max_length=100)]


class Speaker(Record, frozen=True):
    """One voice of one session.

    label: SPEAKER_00 and so on, in order of their first words, until it is renamed.
    word_counts: of the target words of the session's lexicons, over all categories.
    claimed_by: the client that said who it is. attributed_to: the person's name.
    person_id: of a claim as `self` or `user`.
    sample: whether `speakers.sample` has a clip.
    """

    id: Id
    session_id: Id
    label: str
    segment_count: Count
    total_duration_ms: Milliseconds
    word_counts: dict[str, int] = {}
    claim_type: ClaimType | None = None
    claimed_by: str | None = None
    claimed_at: Timestamp | None = None
    attributed_to: str | None = None
    guest_name: str | None = None
    person_id: Id | None = None
    overlap_ms: Milliseconds = 0
    sample: bool = False


class Person(Record, frozen=True):
    """Someone with a name in this store; `me` is its owner.

    voice: there is a profile of the voice, made with consent, at consent_at.
    """

    id: Id
    name: str
    is_me: bool
    created_at: Timestamp
    voice: bool = False
    consent_at: Timestamp | None = None
    sessions: Count = 0


class SpeakersList(Request, frozen=True, tag="speakers.list"):
    """The speakers of a session."""

    session_id: Id


class SpeakersClaim(Request, frozen=True, tag="speakers.claim"):
    """Says who a speaker is.

    claim_type: `self` is the owner of this store; `user` a person by `person_id`, or by `name`, who
        is added when new; `guest` somebody who is not counted, with an optional name.
    """

    speaker_id: Id
    claim_type: ClaimType
    person_id: Id | None = None
    name: Label | None = None


class SpeakersUnclaim(Request, frozen=True, tag="speakers.unclaim"):
    """Takes a claim back; the figures move in the same transaction."""

    speaker_id: Id


class SpeakersRename(Request, frozen=True, tag="speakers.rename"):
    """Another label within the session."""

    speaker_id: Id
    label: Label


class SpeakersSplit(Request, frozen=True, tag="speakers.split"):
    """Makes a new speaker of some segments of one. segments: (recording_id, seq) pairs."""

    speaker_id: Id
    segments: Annotated[tuple[tuple[Id, Count], ...], Meta(min_length=1, max_length=10_000)]


class SpeakersMerge(Request, frozen=True, tag="speakers.merge"):
    """Makes one of two speakers of a session: `speaker_id` takes all of `other_id`."""

    speaker_id: Id
    other_id: Id


class SpeakersUndo(Request, frozen=True, tag="speakers.undo"):
    """Takes the last split, merge or rename of a session back."""

    session_id: Id


class SpeakersSample(Request, frozen=True, tag="speakers.sample"):
    """A clip of at most 5 s in which only this speaker is heard, as `audio` replies."""

    speaker_id: Id
    format: Literal["wav", "opus", "flac"] = "wav"


class SpeakersMatches(Request, frozen=True, tag="speakers.matches"):
    """How near each enrolled person's voice is, and how near it had to be."""

    speaker_id: Id


class Speakers(Reply, frozen=True, tag="speakers"):
    """The speakers of a session after the request."""

    session_id: Id
    speakers: tuple[Speaker, ...]


class Match(Record, frozen=True):
    """One enrolled person; similarity: the cosine of the voices, in [-1, 1]."""

    person_id: Id
    name: str
    similarity: float
    matched: bool


class Matches(Reply, frozen=True, tag="matches"):
    """The nearest first; reason says why there is no match, with the number."""

    speaker_id: Id
    threshold: float
    matches: tuple[Match, ...]
    model: str = ""
    reason: str = ""


class PeopleList(Request, frozen=True, tag="people.list"):
    """Everyone who has a name here."""


class PeopleAdd(Request, frozen=True, tag="people.add"):
    """A new person."""

    name: Label


class PeopleRename(Request, frozen=True, tag="people.rename"):
    """Another name."""

    person_id: Id
    name: Label


class PeopleForget(Request, frozen=True, tag="people.forget"):
    """Deletes a person with voice, claims and figures; with `voice_only`, the voice profile alone."""

    person_id: Id
    voice_only: bool = False


class PeopleEnroll(Request, frozen=True, tag="people.enroll"):
    """Makes a voice profile of a speaker who is claimed as this person.

    consent: must be true: the person agrees that the voice is kept to be recognised.
    """

    person_id: Id
    speaker_id: Id
    consent: bool


class People(Reply, frozen=True, tag="people"):
    """People, `me` first."""

    people: tuple[Person, ...]


class OnePerson(Reply, frozen=True, tag="person"):
    """One person."""

    person: Person


class Figures(Record, frozen=True):
    """How much was said, and how sure that is.

    talk_ms: summed over segments; turns: runs of segments of one speaker.
    overlap_ms: of talk_ms, while somebody else spoke.
    target_words: of the active lexicons. favourite_word: the most frequent one that is no stop word.
    unknown_speech: fraction of the speech, over the same sessions, that nobody is known to have said.
    low_confidence_words: fraction of words recognised with a confidence below 0.5.
    """

    words: Count = 0
    turns: Count = 0
    segments: Count = 0
    talk_ms: Milliseconds = 0
    overlap_ms: Milliseconds = 0
    words_per_minute: float = 0.0
    target_words: dict[str, int] = {}
    favourite_word: str | None = None
    unknown_speech: Fraction = 0.0
    low_confidence_words: Fraction = 0.0
    sessions: Count = 0


class SpeakerFigures(Record, frozen=True):
    """Figures of one person, or of one speaker who is a guest or whom nobody claimed.

    kind: `person`, `guest`, `unclaimed`. Beyond 1,000 of a kind the rest is one entry named `others`.
    """

    kind: Literal["person", "guest", "unclaimed"]
    name: str
    figures: Figures
    person_id: Id | None = None
    speaker_id: Id | None = None
    session_id: Id | None = None


class Stats(Request, frozen=True, tag="stats"):
    """Word statistics; every filter narrows. since, until: of the sessions' start."""

    session_id: Id | None = None
    speaker_id: Id | None = None
    person_id: Id | None = None
    group: Annotated[str, Meta(max_length=255)] | None = None
    since: Timestamp | None = None
    until: Timestamp | None = None


class Statistics(Reply, frozen=True, tag="statistics"):
    """speakers: persons first, guests and unclaimed apart; totals: persons only."""

    speakers: tuple[SpeakerFigures, ...]
    totals: Figures


class StatsWrapped(Request, frozen=True, tag="stats.wrapped"):
    """One person's year. person: a name or id; None: `me`. year: None: this one."""

    person: Label | None = None
    year: Annotated[int, Meta(ge=1970, le=9999)] | None = None


class WordCount(Record, frozen=True):
    """A word and how often it was said."""

    word: str
    count: Count


class Month(Record, frozen=True):
    """One month, 1 to 12, in UTC."""

    month: Count
    sessions: Count
    talk_ms: Milliseconds
    words: Count


class Wrapped(Reply, frozen=True, tag="wrapped"):
    """One person's year; by_month has all twelve."""

    year: Count
    person: str
    sessions: Count
    talk_ms: Milliseconds
    words: Count
    top_words: tuple[WordCount, ...]
    favourite_word: str | None
    target_words: dict[str, int]
    by_month: tuple[Month, ...]


class LexiconSummary(Record, frozen=True):
    """One lexicon; categories: how many target words each has. own: of the user's folder."""

    name: str
    description: str
    language: str
    corrections: Count
    categories: dict[str, int]
    active: bool = False
    own: bool = False
    problem: str = ""


class LexiconList(Request, frozen=True, tag="lexicon.list"):
    """Every lexicon, and which ones the config makes active."""


class LexiconShow(Request, frozen=True, tag="lexicon.show"):
    """One lexicon in full."""

    name: Label


class LexiconApply(Request, frozen=True, tag="lexicon.apply"):
    """Corrects and counts a text as a session's segments are."""

    text: Annotated[str, Meta(max_length=1_000_000)]
    lexicons: Lexicons


class OneLexicon(Reply, frozen=True, tag="lexicon"):
    """One lexicon: misheard phrases and what was said; the words that are counted, by category."""

    name: str
    description: str
    language: str
    corrections: dict[str, str]
    categories: dict[str, tuple[str, ...]]
    own: bool = False


class LexiconsFound(Reply, frozen=True, tag="lexicons"):
    """Lexicons."""

    lexicons: tuple[LexiconSummary, ...]


class Corrected(Reply, frozen=True, tag="corrected"):
    """text: as given; counts: of the target words in `corrected`, those said at least once."""

    text: str
    corrected: str
    counts: dict[str, int]
