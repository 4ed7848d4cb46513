"""edged: an offline-first daemon that hears, sees and reads on the device itself.

`edged.Client` (async) and `edged.SyncClient` talk to a running daemon; they are loaded on first
use, so that `import edged` costs nothing in workers and in the command line.
"""

import os
from typing import TYPE_CHECKING

# onnxruntime >= 1.31 phones home on Linux unless this is set before its import; after is too late.
# Set here because every entry into the package, workers included, passes this line first.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

__version__ = "0.1.0"
__all__ = ["Client", "SyncClient", "__version__"]

if TYPE_CHECKING:
    from edged.bridge.client import Client
    from edged.bridge.link import SyncClient


def __getattr__(name: str) -> object:
    """Load the clients on first use (PEP 562)."""
    if name == "Client":
        from edged.bridge.client import Client

        return Client
    if name == "SyncClient":
        from edged.bridge.link import SyncClient

        return SyncClient
    raise AttributeError(name)
