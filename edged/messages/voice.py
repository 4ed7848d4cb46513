"""More of a voice: words and phones in time, stems, feelings, made speech, keywords, tags, languages.

Every request takes its audio in one of these ways: `path`; `recording_id` of kept audio; binary
frames with `audio` (raw PCM); binary frames without it (the bytes of a media file).
"""

from typing import Annotated, Literal

from msgspec import Meta

from edged.media import AudioFormat
from edged.messages.records import Word
from edged.messages.wire import (
    Count,
    Fraction,
    Id,
    Language,
    Milliseconds,
    ModelId,
    Path,
    Priority,
    Record,
    Reply,
    Request,
)

KeepAlive = Annotated[int, Meta(ge=-1, le=2**53)]


class Heard(Request, frozen=True):
    """What every request of this module takes."""

    path: Path | None = None
    recording_id: Id | None = None
    audio: AudioFormat | None = None
    model: ModelId | None = None
    priority: Priority = "interactive"
    keep_alive_ms: KeepAlive | None = None


class Align(Heard, frozen=True, kw_only=True, tag="align"):
    """When each word and phone of a known text is spoken. Audio of at most 10 minutes."""

    text: Annotated[str, Meta(min_length=1, max_length=100_000)]
    language: Language | None = None


class Phoneme(Record, frozen=True):
    """One phone in time. phoneme: as the engine names it (ARPAbet or IPA); ipa: always IPA."""

    phoneme: str
    ipa: str
    start_ms: Milliseconds
    end_ms: Milliseconds
    confidence: Fraction


class Aligned(Reply, frozen=True, tag="aligned"):
    """Words and phones in order of time; times from the start of the audio."""

    words: tuple[Word, ...]
    phonemes: tuple[Phoneme, ...]
    processing_time_ms: Milliseconds
    model: str
    language: str
    audio_ms: Milliseconds


class Separate(Heard, frozen=True, kw_only=True, tag="separate"):
    """Takes a piece of audio apart.

    stems: 2: vocals and music; 4: vocals, drums, bass, other.
    keep: store the stems encrypted, as recordings of one session; otherwise they are sent.
    """

    stems: Literal[2, 4] = 2
    keep: bool = False


class StemPart(Reply, frozen=True, tag="stem_part"):
    """A part of a stem as raw PCM in binary frame 1, in order of time; `separated` ends it."""

    stem: str
    audio: AudioFormat
    start_ms: Milliseconds
    size_bytes: Count


class Stem(Record, frozen=True):
    """One stem. recording_id: where it is kept; None when it was sent."""

    duration_ms: Milliseconds
    recording_id: Id | None = None


class Separated(Reply, frozen=True, tag="separated"):
    """The stems by name: vocals, music, or vocals, drums, bass, other."""

    stems: dict[str, Stem]
    model: str
    processing_time_ms: Milliseconds


class EmotionSpeech(Heard, frozen=True, kw_only=True, tag="emotion.speech"):
    """How each stretch of speech sounds."""


class SpokenEmotion(Record, frozen=True):
    """One stretch of speech; all_emotions: every label's score, which sum to 1."""

    start_ms: Milliseconds
    end_ms: Milliseconds
    emotion: str
    confidence: Fraction
    all_emotions: dict[str, float]


class SpokenEmotions(Reply, frozen=True, tag="spoken_emotions"):
    """Stretches in order of time."""

    emotions: tuple[SpokenEmotion, ...]
    model: str
    audio_ms: Milliseconds


class Speak(Request, frozen=True, tag="speak"):
    """Speech from text, streamed as PCM: `spoken` replies, then `done`.

    voice: which of the model's voices, by number or name. speed: 1 is the voice's own.
    """

    text: Annotated[str, Meta(min_length=1, max_length=100_000)]
    model: ModelId | None = None
    voice: Annotated[str, Meta(max_length=100)] | None = None
    language: Language | None = None
    speed: Annotated[float, Meta(ge=0.25, le=4.0)] = 1.0
    keep_alive_ms: KeepAlive | None = None


class Spoken(Reply, frozen=True, tag="spoken"):
    """A part of the speech as raw PCM in binary frame 1, in order of time."""

    audio: AudioFormat
    model: str
    start_ms: Milliseconds
    size_bytes: Count
    progress: Fraction = 0.0


class Keywords(Heard, frozen=True, kw_only=True, tag="keywords"):
    """When any of some words or phrases is spoken. threshold: greater hears less."""

    keywords: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=100)], ...],
        Meta(min_length=1, max_length=100),
    ]
    threshold: Annotated[float, Meta(ge=0.0, le=1.0)] | None = None


class KeywordHit(Record, frozen=True):
    """One keyword heard."""

    keyword: str
    start_ms: Milliseconds
    end_ms: Milliseconds
    confidence: Fraction = 1.0


class KeywordsHeard(Reply, frozen=True, tag="keywords_heard"):
    """Hits in order of time."""

    hits: tuple[KeywordHit, ...]
    model: str
    audio_ms: Milliseconds


class AudioTag(Heard, frozen=True, kw_only=True, tag="audio.tag"):
    """What is heard when: stretches over which a label stays above a score."""

    min_score: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.3
    labels: Annotated[tuple[str, ...], Meta(max_length=100)] = ()


class SoundTag(Record, frozen=True):
    """One label over one stretch; score: its greatest."""

    label: str
    score: float
    start_ms: Milliseconds
    end_ms: Milliseconds


class SoundTags(Reply, frozen=True, tag="sound_tags"):
    """Tags in order of their start."""

    tags: tuple[SoundTag, ...]
    model: str
    audio_ms: Milliseconds


class Denoise(Heard, frozen=True, kw_only=True, tag="denoise"):
    """The speech in a piece of audio without the noise: `denoised` replies, then `done`."""


class Denoised(Reply, frozen=True, tag="denoised"):
    """A part of the cleaned audio as raw PCM in binary frame 1, in order of time."""

    audio: AudioFormat
    model: str
    start_ms: Milliseconds
    size_bytes: Count
    progress: Fraction = 0.0


class LanguageIdentify(Heard, frozen=True, kw_only=True, tag="language.identify"):
    """Which language is spoken."""

    top_k: Annotated[int, Meta(ge=1, le=200)] = 5


class SpokenLanguage(Record, frozen=True):
    """One language and how likely it is."""

    language: str
    confidence: Fraction


class SpokenLanguages(Reply, frozen=True, tag="spoken_languages"):
    """The likeliest first; heard_ms: how much speech was listened to."""

    languages: tuple[SpokenLanguage, ...]
    model: str
    heard_ms: Milliseconds
