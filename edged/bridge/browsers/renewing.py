"""At the daemon's start: what browsers were told leads here, also after an upgrade or a move."""

import asyncio
import logging
from typing import Final

from edged.config import Paths
from edged.errors import EdgedError

log = logging.getLogger(__name__)

LEDGER: Final = "browsers.json"
"""In the state folder: what `edged browser install` wrote."""


async def renew(paths: Paths) -> None:
    """Write launcher and manifests anew where they lead elsewhere; without a ledger nothing is done.

    What cannot be written is told in the log: a daemon is of use without a browser.
    """
    if not await asyncio.to_thread((paths.state / LEDGER).exists):
        return
    try:
        renewed = await asyncio.to_thread(_renew, paths)
    except EdgedError as error:
        log.warning("browsers were not told anew: %s", error.message)
        return
    if renewed:
        log.info("%d files that lead browsers here were renewed", renewed)


def _renew(paths: Paths) -> int:
    """Imported here, because few daemons need it and each would start later."""
    from edged.bridge.browsers.installing import Registration
    from edged.bridge.browsers.system import System

    return Registration(System.here(), paths).refresh()
