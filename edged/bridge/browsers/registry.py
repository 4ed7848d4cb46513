"""The registry of Windows, as far as browsers look into it for native-messaging hosts."""

import sys
from typing import Protocol

CURRENT_USER = "HKCU"
MACHINE = "HKLM"


class Registry(Protocol):
    r"""Keys are written like `HKCU\Software\Chromium`; their values are text or numbers."""

    def read(self, key: str, name: str = "") -> str | int | None:
        """A value; the key's default one without a name. None: neither is there."""

    def names(self, key: str) -> tuple[str, ...]:
        """The names of a key's values; none where the key is absent."""

    def write(self, key: str, value: str) -> None:
        """Set the default value, and make the keys above it."""

    def delete(self, key: str) -> None:
        """Remove a key without keys below it; it may be absent."""


if sys.platform == "win32":  # pragma: no cover - not run by us
    import winreg

    _ROOTS = {CURRENT_USER: winreg.HKEY_CURRENT_USER, MACHINE: winreg.HKEY_LOCAL_MACHINE}

    class WindowsRegistry:
        """The real one. Not run by us: nobody of us has Windows."""

        def read(self, key: str, name: str = "") -> str | int | None:
            """A value of the registry."""
            root, _, below = key.partition("\\")
            try:
                with winreg.OpenKey(_ROOTS[root], below) as opened:
                    value, _kind = winreg.QueryValueEx(opened, name)
            except OSError:
                return None
            return value if isinstance(value, str | int) else None

        def names(self, key: str) -> tuple[str, ...]:
            """The names of a key's values."""
            root, _, below = key.partition("\\")
            try:
                with winreg.OpenKey(_ROOTS[root], below) as opened:
                    count = winreg.QueryInfoKey(opened)[1]
                    return tuple(winreg.EnumValue(opened, index)[0] for index in range(count))
            except OSError:
                return ()

        def write(self, key: str, value: str) -> None:
            """Set a key's default value."""
            root, _, below = key.partition("\\")
            with winreg.CreateKey(_ROOTS[root], below) as opened:
                winreg.SetValueEx(opened, "", 0, winreg.REG_SZ, value)

        def delete(self, key: str) -> None:
            """Remove a key."""
            root, _, below = key.partition("\\")
            try:
                winreg.DeleteKey(_ROOTS[root], below)
            except FileNotFoundError:
                return


def here() -> Registry | None:
    """This machine's registry; None where there is none."""
    if sys.platform == "win32":  # pragma: no cover - not run by us
        return WindowsRegistry()
    return None
