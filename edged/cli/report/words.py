"""Texts of users and models, made harmless for HTML."""

from html import escape


def text(words: str) -> str:
    """As it is shown, in an element or an attribute: escaped, without control characters."""
    return escape("".join(one if one.isprintable() else " " for one in words), quote=True)
