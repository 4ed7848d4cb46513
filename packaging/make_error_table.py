"""Prints docs/ERRORS.md from edged.errors; a test compares them."""

import inspect

from edged.errors import leaves

HEAD = """# Errors

Every error has a code on the wire (`error.code`), an exit status on the command line, and advice. Made from
`edged/errors.py` by `packaging/make_error_table.py`. Exit status 0 is success, 1 an internal failure or a failing daemon
(`edged health`), 2 also a wrong command line, 130 Ctrl-C.

| code | exit | retry | what | fix |
|---|---|---|---|---|
"""


def table() -> str:
    """The whole page."""
    rows = [
        f"| `{leaf.code}` | {leaf.exit_status} | {'yes' if leaf.retryable else 'no'} "
        f"| {' '.join((inspect.getdoc(leaf) or '').split())} | {leaf.advice} |"
        for leaf in sorted(leaves().values(), key=lambda one: (one.exit_status, one.code))
    ]
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(table(), end="")
