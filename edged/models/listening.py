"""What models of listening can do beyond words: the Protocols of speakers, phones, feelings, stems.

As edged.models.runtime: adapters fulfil them in a worker, callers borrow them through a Lease.
"""

from collections.abc import Iterator
from typing import Annotated, Protocol

from msgspec import Meta, Struct

from edged.media import AudioChunk, AudioFormat
from edged.messages.records import Span
from edged.messages.wire import Id
from edged.models.runtime import Classified, ClassifyOptions, Model, SpokenWord, Text, Vector


class DiarizeOptions(Struct, frozen=True, kw_only=True):
    """One part of a longer audio.

    stream: whose state to use and keep. final: nothing follows; answer with the turns.
    speech: stretches of speech that end within or before this part, from the audio's start, each
        given once, in order; without any the diarizer looks for itself.
    speakers: how many there are; 0: nobody knows.
    """

    stream: Id
    final: bool = False
    speech: tuple[Span, ...] = ()
    speakers: Annotated[int, Meta(ge=0, le=300)] = 0


class SpeakerTurn(Struct, frozen=True, kw_only=True):
    """One stretch of one speaker, from the audio's start; speaker counts from 0 by first words."""

    start_ms: int
    end_ms: int
    speaker: int


class Diarized(Struct, frozen=True, kw_only=True):
    """Turns in order of their start, those of different speakers may overlap.

    Empty until the final part. voices: a vector per speaker, float32 little-endian, length 1, one
    after the other, when the model has one; dimensions: of each; voice_model: what made them.
    """

    turns: tuple[SpeakerTurn, ...] = ()
    voices: bytes | memoryview = b""
    dimensions: int = 0
    voice_model: str = ""


class Diarizer(Model, Protocol):
    """Says who speaks when."""

    def diarize(self, audio: AudioChunk, options: DiarizeOptions) -> Diarized:
        """Add a part (at most 60 s) to a stream; the turns of all of it with the final one.

        Memory is bounded by what is kept of each second, not by the samples.
        """
        ...

    def forget(self, options: DiarizeOptions) -> None:
        """Drop a stream that will not be finished; none of that name is well too."""
        ...


class SpeakerEmbedder(Model, Protocol):
    """Turns a voice into a vector; vectors of different models are never compared."""

    def voice(self, audio: AudioChunk) -> Vector:
        """The voice in a piece of speech of 1 to 30 s, of length 1.

        Raises:
            BadMedia: too little speech for a vector.
        """
        ...


class FeelingModel(Model, Protocol):
    """Tells how speech sounds."""

    def feel(self, audio: AudioChunk, options: ClassifyOptions) -> Classified:
        """Every emotion with its score, summing to 1, the greatest first; of at most 30 s."""
        ...


class AlignOptions(Struct, frozen=True, kw_only=True):
    """text: words with spaces between, digits and currency already spelled out."""

    text: str
    language: str = "en"


class SpokenPhone(Struct, frozen=True, kw_only=True):
    """One phone; seconds from the chunk's start; name as the engine has it.

    ipa: empty when the model knows letters instead of phones.
    """

    phone: str
    ipa: str
    start_s: float
    end_s: float
    confidence: float


class AlignedSpeech(Struct, frozen=True, kw_only=True):
    """Words and phones in order of time; computed_us: from the audio to them."""

    words: tuple[SpokenWord, ...]
    phones: tuple[SpokenPhone, ...]
    computed_us: int = 0


class Aligner(Model, Protocol):
    """Puts a known text into time."""

    def align(self, audio: AudioChunk, options: AlignOptions) -> AlignedSpeech:
        """Words and phones of a text that is spoken in the audio.

        Raises:
            UnsupportedLanguage: the model does not know it. BadRequest: the text does not fit.
        """
        ...


class Sound(Struct, frozen=True, kw_only=True):
    """Float PCM of any rate: float32 little-endian, channels interleaved."""

    data: bytes | memoryview
    audio: AudioFormat


class StemSound(Struct, frozen=True, kw_only=True):
    """A run of one stem of at most 10 s, s16le; start: index of its first frame from the audio's start."""

    stem: str
    data: bytes | memoryview
    audio: AudioFormat
    start: int


class SeparateOptions(Struct, frozen=True, kw_only=True):
    """One part of a longer audio; stream and final as for DiarizeOptions.

    two: vocals, and all other stems together as music; fixed with a stream's first part.
    """

    stream: Id
    final: bool = False
    two: bool = False


class Separator(Model, Protocol):
    """Takes sound apart, part by part, in bounded memory."""

    def separate(self, sound: Sound, options: SeparateOptions) -> Iterator[StemSound]:
        """What is finished of every stem by now; all of the rest with the final part."""
        ...

    def forget(self, options: SeparateOptions) -> None:
        """Drop a stream that will not be finished; none of that name is well too."""
        ...


class Denoiser(Model, Protocol):
    """Takes the noise out of speech."""

    def denoise(self, audio: AudioChunk, options: SeparateOptions) -> AudioChunk:
        """What is finished by now, 16 kHz mono; all of the rest with the final part."""
        ...

    def forget(self, options: SeparateOptions) -> None:
        """Drop a stream that will not be finished; none of that name is well too."""
        ...


class SpotOptions(Struct, frozen=True, kw_only=True):
    """One part of a longer audio, and what to listen for; threshold in [0, 1], None: the model's."""

    stream: Id
    keywords: tuple[str, ...]
    threshold: float | None = None
    final: bool = False


class Spotted(Struct, frozen=True, kw_only=True):
    """Keywords that were heard since the last part: words with seconds from the stream's start."""

    words: tuple[SpokenWord, ...]


class KeywordSpotter(Model, Protocol):
    """Waits for some words."""

    def spot(self, audio: AudioChunk, options: SpotOptions) -> Spotted:
        """Keywords in a part of a stream.

        Raises:
            BadRequest: a keyword that the model cannot spell.
        """
        ...


class SpeakOptions(Struct, frozen=True, kw_only=True):
    """voice: number or name; empty: the model's first. speed: 1 is its own."""

    voice: str = ""
    speed: float = 1.0
    language: str = ""


class SpokenSound(Struct, frozen=True, kw_only=True):
    """A run of made speech, PCM as `audio` says; progress in [0, 1]: of the text."""

    data: bytes | memoryview
    audio: AudioFormat
    progress: float


class VoiceModel(Model, Protocol):
    """Makes speech of text."""

    def speak(self, text: Text, options: SpeakOptions) -> Iterator[SpokenSound]:
        """The speech, sentence by sentence."""
        ...


class LanguageModel(Model, Protocol):
    """Tells which language is spoken."""

    def languages(self, audio: AudioChunk, options: ClassifyOptions) -> Classified:
        """Language codes with how likely each is; of at most 30 s of speech."""
        ...
