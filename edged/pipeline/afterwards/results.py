"""What the stages find, as it is kept until all is done."""

from collections.abc import Sequence

from msgspec import Struct

from edged.messages.records import Span
from edged.models.listening import SpeakerTurn
from edged.pipeline.transcription import RunFacts
from edged.store.saving import Feeling, Heard

JOIN, DIARIZE, TRANSCRIBE, FEEL, SAVE = "join", "diarize", "transcribe", "feel", "save"
"""Names of the stages' results."""


class Joined(Struct, frozen=True, kw_only=True):
    """A recording's length, and where speech is."""

    audio_ms: int
    speech: tuple[Span, ...]


class Diarized(Struct, frozen=True, kw_only=True):
    """Who speaks when in a recording; voices as edged.models.listening.Diarized has them."""

    turns: tuple[SpeakerTurn, ...] = ()
    voices: bytes = b""
    dimensions: int = 0
    voice_model: str = ""

    def voice(self, speaker: int) -> bytes:
        """The vector of a speaker's voice; empty where the model gives none."""
        size = 4 * self.dimensions
        return self.voices[speaker * size : (speaker + 1) * size]


class Felt(Struct, frozen=True, kw_only=True):
    """How final segments sound, by their numbers: all up to `done` were listened to."""

    done: int = -1
    feelings: dict[int, Feeling] = {}


class Found(Struct, frozen=True, kw_only=True):
    """All that is known of one recording before it is saved."""

    recording_id: str
    joined: Joined
    diarized: Diarized
    facts: RunFacts
    felt: Felt = Felt()

    @property
    def heard(self) -> Heard:
        """As it is saved."""
        return Heard(
            recording_id=self.recording_id,
            transcript_id=self.facts.transcript_id,
            audio_ms=max(self.joined.audio_ms, self.facts.audio_ms),
            compute_ms=self.facts.compute_ms,
            language=self.facts.language,
            language_source=self.facts.language_source,
            turns=self.diarized.turns,
            feelings=self.felt.feelings,
        )


class Saved(Struct, frozen=True, kw_only=True):
    """The speakers that were saved: id, place of the recording, number in it."""

    speakers: Sequence[tuple[str, int, int]]
