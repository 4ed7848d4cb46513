"""What the services ask: everything that daemon.py has built, in one place."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from edged.capture.looking import SightDevices
from edged.capture.microphone import SoundDevices
from edged.config import Config, Paths
from edged.events import Bus
from edged.jobs.intake import Intake
from edged.jobs.runner import Runner
from edged.jobs.work import Work
from edged.messages.access import OWNER, Asker, AuditAct
from edged.messages.wire import Request
from edged.models.batching import Batching
from edged.models.pool import Pool
from edged.models.signatures import Signatures
from edged.pipeline.activity import Activity
from edged.pipeline.afterwards.work import Afterwards
from edged.pipeline.decoders import Decoders
from edged.pipeline.hearing import Hearing
from edged.pipeline.lexicons import Lexicons
from edged.pipeline.seeing.reading import Reading
from edged.pipeline.sounding import Sounding
from edged.pipeline.transcription import Pipeline
from edged.service.callers import Callers
from edged.service.known import Known
from edged.service.notices import Notices
from edged.service.ownership import Ownership
from edged.service.vitals import Vitals
from edged.sessions.appending import Appending
from edged.sessions.captioning import Captioning
from edged.sessions.fed_captions import FedCaptions
from edged.sessions.following import Following
from edged.sessions.running import Sessions
from edged.sessions.sight_streams import SightStreams
from edged.sessions.streams import Streams
from edged.store.database import Store
from edged.store.digests import Digests

MOST_LENT = 100
"""Clients that asked last and for whom the parts are at hand."""


@dataclass(frozen=True, slots=True)
class House:
    """The daemon's parts. Loop thread only.

    asker: in whose name a request runs; `asker.sees` says whose results it may be shown.
    lent: the same parts for clients that asked before, by client_id.
    """

    config: Config
    paths: Paths
    store: Store
    pool: Pool
    batching: Batching
    signatures: Signatures
    bus: Bus
    decoders: Decoders
    pipeline: Pipeline
    afterwards: Afterwards
    activity: Activity
    hearing: Hearing
    sounding: Sounding
    lexicons: Lexicons
    reading: Reading
    streams: Streams
    following: Following
    sight_streams: SightStreams
    sessions: Sessions
    captioning: Captioning
    fed_captions: FedCaptions
    appending: Appending
    work: Work
    runner: Runner
    intake: Intake
    vitals: Vitals
    known: Known
    sound: SoundDevices
    sights: SightDevices
    traffic: Counter[str]
    rotate_key: Callable[[], Awaitable[None]]
    stop: Callable[[], None]
    ownership: Ownership
    callers: Callers = field(default_factory=Callers)
    notices: Notices = field(default_factory=Notices)
    digests: Digests = field(default_factory=Digests)
    asker: Asker = OWNER
    lent: "dict[str, House]" = field(default_factory=dict, repr=False)

    def seen_by(self, asker: Asker) -> "House":
        """The same parts, for requests in the name of a client."""
        known = self.lent.get(asker.client_id)
        if known is not None and known.asker == asker:
            return known  # making one anew for each request takes 10 us
        if len(self.lent) >= MOST_LENT:
            self.lent.clear()
        self.lent[asker.client_id] = replace(self, asker=asker)
        return self.lent[asker.client_id]

    def called(self, caller: str) -> str:
        """What whoever asks is called: a client as it was approved, others as they said themselves.

        Args:
            caller: names the connection.
        """
        return self.asker.name or self.callers.name(caller)

    def note_deleted(self, request: Request) -> None:
        """Add to the audit that a client deleted something; what the user deletes is not noted."""
        if not self.asker.is_owner:
            self.note("deleted", str(type(request).__struct_config__.tag))

    def note(self, act: AuditAct, what: str = "") -> None:
        """Add to the audit what whoever asks did; what: the type of the request, never content."""
        self.known.note(act, self.asker, what)
