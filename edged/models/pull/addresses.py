"""Rules for addresses: what may be fetched, where a redirect may lead, what goes through a proxy."""

import ipaddress
import urllib.request
from collections.abc import Mapping
from urllib.parse import SplitResult, urljoin, urlsplit

from edged.errors import SourceDown, Unsupported

MOST_REDIRECTS = 10

_PORTS = {"http": 80, "https": 443}


def host(url: str) -> str:
    """An address's host, for people: no user, no path, no query."""
    return _split(url).hostname or "?"


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: who is asked. A secret for one is none for another."""
    parts = _split(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)


def check(url: str) -> None:
    """Make sure that an address may be asked.

    Raises:
        Unsupported: neither https nor this machine, or it holds a user or a password.
    """
    parts = _split(url)
    if parts.username is not None or parts.password is not None:
        raise Unsupported(
            f"the address at {host(url)} holds a user name", fix="give a token with --token-file"
        )
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme != "http" or not is_loopback(parts.hostname or ""):
        raise Unsupported(
            f"{host(url)} is not asked without https", fix="give the address as https://"
        )


def is_loopback(name: str) -> bool:
    """Whether a host is this machine, said so that no name server is asked."""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def follow(url: str, location: str, visited: list[str]) -> str:
    """Where a redirect leads; `visited` grows by it.

    Raises:
        SourceDown: in a circle, too far, nowhere. Unsupported: from https to http, or away to it.
    """
    target = urljoin(url, location)
    if not location:
        raise SourceDown(f"{host(url)} redirects without saying where to")
    if _split(url).scheme == "https" and _split(target).scheme != "https":
        raise Unsupported(f"{host(url)} redirects from https to an address without it")
    check(target)
    if target in visited:
        raise SourceDown(f"{host(url)} redirects in a circle")
    visited.append(target)
    if len(visited) > MOST_REDIRECTS + 1:
        raise SourceDown(f"{host(url)} redirects more than {MOST_REDIRECTS} times")
    return target


def proxy(url: str) -> str:
    """The address of the proxy that the environment names for this one; empty: none.

    This machine is never asked through a proxy, which would ask its own.
    """
    parts = _split(url)
    name = parts.hostname or ""
    if is_loopback(name) or urllib.request.proxy_bypass(parts.netloc):
        return ""
    found = urllib.request.getproxies()
    chosen = found.get(parts.scheme) or found.get("all", "")
    return chosen if "://" in chosen or not chosen else f"http://{chosen}"


def authorization(visited: list[str], tokens: Mapping[str, str]) -> dict[str, str]:
    """The header with the token for a host, until a redirect has led to anyone else.

    Args:
        visited: the address that the manifest names, then where redirects led.
        tokens: by host name.
    """
    token = tokens.get(host(visited[0]), "")
    if not token or len(set(map(origin, visited))) > 1:
        return {}
    return {"Authorization": f"Bearer {token}"}


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for one out of range
    except ValueError as error:
        raise Unsupported("an address is not well-formed") from error
    return parts
