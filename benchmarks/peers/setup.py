"""Makes the peers' environments that are not ready: `python -m benchmarks.peers.setup [PYTHON]`."""

import sys

from benchmarks.peers import environments


def main() -> None:
    """Make what is not ready."""
    python = sys.argv[1] if len(sys.argv) > 1 else sys.executable
    for name in environments.NAMES:
        if not environments.is_ready(name):
            print(f"setting up the peer {name}")
            environments.make(name, python)


if __name__ == "__main__":
    main()
