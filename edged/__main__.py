"""`python -m edged`, the `edged` script, and the entry point of a frozen binary.

A frozen binary cannot run `python -m`: a worker, or the host that a browser starts, is the same
program with a flag, looked at before anything else is imported.
"""

import sys

WORKER_FLAG = "--edged-worker"
KEYS_FLAG = "--edged-keys"
HOST_FLAG = "--edged-native-host"


def main() -> int:
    """Run the command line, or become a worker, a host or the key's helper; returns the exit status."""
    if len(sys.argv) > 1 and sys.argv[1] == WORKER_FLAG:
        from edged.workers import host

        return host.main(sys.argv[2:])
    if len(sys.argv) > 1 and sys.argv[1] == KEYS_FLAG:
        from edged.keys import wrapping

        return wrapping.main()
    if len(sys.argv) > 1 and sys.argv[1] == HOST_FLAG:
        from edged.bridge.native import host as native

        return native.main()
    from edged.cli import main as cli

    return cli.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
