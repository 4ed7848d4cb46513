"""Asks a person at the terminal."""

import sys


def ask(question: str, *, quiet: bool) -> bool:
    """Whether a person at the terminal says yes; no when nobody can be asked.

    Args:
        question: without the possible answers.
        quiet: ask nobody.
    """
    if quiet or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
