"""Live captions for the sources of a session that is recorded from devices."""

import logging

from edged.config import Config
from edged.errors import EdgedError
from edged.events import Bus
from edged.messages.sessions import SessionsStart
from edged.models.pool import Pool
from edged.pipeline.lexicons import Lexicons
from edged.pipeline.live.captions import Live
from edged.pipeline.live.plan import choose_live
from edged.store.database import Store

log = logging.getLogger(__name__)


class Captioning:
    """Opens captions. Loop thread only; the arguments are the daemon's."""

    def __init__(
        self, store: Store, pool: Pool, bus: Bus, config: Config, lexicons: Lexicons
    ) -> None:
        self._store = store
        self._pool = pool
        self._bus = bus
        self._config = config
        self._lexicons = lexicons

    async def check(self, options: SessionsStart) -> None:
        """Refuse what was named and is not there, before anything is recorded.

        Raises:
            ModelMissing, EngineMissing, Unsupported: the model that was asked for.
            NotFound: a lexicon that was asked for.
        """
        if options.lexicons:
            await self._lexicons.active(options.lexicons)
        if options.model is not None:
            choose_live(
                self._pool, self._config.defaults, model=options.model, language=options.language
            )

    async def open(self, options: SessionsStart, session_id: str, recording_id: str) -> Live | None:
        """Captions of one recording; None when they are not wanted, or nothing can give them.

        Recording goes on without them: what is not heard live is heard after the end.
        """
        if not options.live:
            return None
        try:
            plan = choose_live(
                self._pool, self._config.defaults, model=options.model, language=options.language
            )
            active, _ = await self._lexicons.usable(options.lexicons)
        except EdgedError as error:
            log.info("a session is recorded without captions: %s", error.code)
            return None
        return Live(
            self._store,
            self._pool,
            self._bus,
            recording_id=recording_id,
            session_id=session_id,
            plan=plan,
            lexicons=active,
            backlog_ms=self._config.sessions.backlog_ms,
        )
