"""Says on which line of a TOML text a value stands: tomllib does not keep that.

Only for texts that tomllib has read: nothing is checked here. Source: TOML v1.0.0.
"""

import re
import tomllib

Path = tuple[str | int, ...]
"""Where a value is: names of tables and keys, and positions in arrays, from the root."""

_WHITE = re.compile(r"(?:[\s,]|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
_KEY = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|[A-Za-z0-9_-]+')
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}'
    r"|'''(?:[^']|'(?!''))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE = re.compile(r"[^,\]}#\n]+")


def lines_of(text: str) -> dict[Path, int]:
    """The line, from 1, of every table, key and array element of a valid TOML text."""
    return _Reader(text).lines


def nearest_line(lines: dict[Path, int], path: Path) -> int:
    """The line of a value, or of the innermost table around it that is there; 1 for the root."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


class _Reader:
    """Reads the whole text once, from its start."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._at = 0
        self._counts: dict[Path, int] = {}
        self._read()

    def _read(self) -> None:
        table: Path = ()
        self._skip(_WHITE)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_WHITE)

    def _header(self) -> Path:
        line = self._line()
        many = self._text.startswith("[[", self._at)
        self._at += 2 if many else 1
        table = self._resolve(self._names(), many=many)
        self._at += 2 if many else 1
        self._note(table, line)
        return table

    def _resolve(self, names: list[str], *, many: bool) -> Path:
        """The path of a header's table: within an array of tables its last element is meant."""
        path: Path = ()
        for position, name in enumerate(names):
            path = (*path, name)
            if many and position == len(names) - 1:
                self._counts[path] = self._counts.get(path, -1) + 1
                self._note(path, self._line())
            if path in self._counts:
                path = (*path, self._counts[path])
        return path

    def _pair(self, table: Path) -> None:
        line = self._line()
        names = self._names()
        for end in range(1, len(names) + 1):
            self._note((*table, *names[:end]), line)
        self._skip(_BLANK)
        self._at += 1  # the equals sign
        self._value((*table, *names))

    def _names(self) -> list[str]:
        """A dotted key."""
        names = [self._name()]
        while self._text.startswith(".", self._at):
            self._at += 1
            names.append(self._name())
        return names

    def _name(self) -> str:
        self._skip(_BLANK)
        name = self._take(_KEY)
        self._skip(_BLANK)
        return str(tomllib.loads(f"name = {name}")["name"]) if name[:1] in {"'", '"'} else name

    def _value(self, path: Path) -> None:
        self._skip(_BLANK)
        opener = self._text[self._at]
        if opener == "[":
            self._array(path)
        elif opener == "{":
            self._inline(path)
        else:
            self._take(_STRING if opener in {"'", '"'} else _BARE)

    def _array(self, path: Path) -> None:
        self._at += 1
        self._skip(_WHITE)
        position = 0
        while self._text[self._at] != "]":
            self._note((*path, position), self._line())
            self._value((*path, position))
            position += 1
            self._skip(_WHITE)
        self._at += 1

    def _inline(self, path: Path) -> None:
        self._at += 1
        self._skip(_WHITE)
        while self._text[self._at] != "}":
            self._pair(path)
            self._skip(_WHITE)
        self._at += 1

    def _note(self, path: Path, line: int) -> None:
        self.lines.setdefault(path, line)

    def _line(self) -> int:
        return self._text.count("\n", 0, self._at) + 1

    def _skip(self, pattern: re.Pattern[str]) -> None:
        self._take(pattern)

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:  # tomllib has read it, so this is ours: never stand still
            self._at = len(self._text)
            return ""
        self._at = found.end()
        return found[0]
