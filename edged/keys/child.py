"""Starts the short child process that holds the cryptography: one question, one answer."""

import subprocess
import sys

import msgspec

from edged.errors import Internal, from_code

KEYS_FLAG = "--edged-keys"
"""How a frozen binary becomes the child; looked at in edged/__main__.py."""

WITHIN_S = 120.0
"""A desktop keyring may ask its user."""


def ask(operation: str, **arguments: str | int) -> dict[str, str | int]:
    """Have the child do one thing. Blocks; not for the loop's thread.

    Raises:
        EdgedError: the leaf that the child answered with.
        Internal: it gave no answer.
    """
    question = msgspec.json.encode({"operation": operation, **arguments})
    try:
        done = subprocess.run(
            _command(), input=question, capture_output=True, timeout=WITHIN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Internal(f"the key's helper process failed: {type(error).__name__}") from error
    try:
        answer = msgspec.json.decode(done.stdout, type=dict[str, str | int])
    except msgspec.DecodeError as error:
        raise Internal("the key's helper process gave no answer", status=done.returncode) from error
    if "error" in answer:
        raise from_code(str(answer["error"]), str(answer["message"]), fix=str(answer["fix"]))
    return answer


def _command() -> list[str]:
    if getattr(sys, "frozen", False):
        return [sys.executable, KEYS_FLAG]
    return [sys.executable, "-P", "-m", "edged.keys.wrapping"]
