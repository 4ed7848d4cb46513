"""What a source has to give: a file of a known size and hash, as far as anybody states them."""

from pathlib import Path

from msgspec import Struct

from edged.errors import CorruptModel


class Fetched(Struct, frozen=True, kw_only=True):
    """What came: a whole file, its hash and its size."""

    path: Path
    sha256: str
    bytes: int


class Wanted(Struct, frozen=True, kw_only=True):
    """One file that is looked for.

    names: what it may be called in a folder; the first is the one that people know.
    sizes, hashes: each that will do; empty when nobody states one.
    gated, page: whether, and where, its licence has to be accepted first.
    """

    model: str
    names: tuple[str, ...]
    sizes: frozenset[int] = frozenset()
    hashes: frozenset[str] = frozenset()
    gated: bool = False
    page: str = ""

    @property
    def title(self) -> str:
        """The file, for a message."""
        return f"{self.names[0]} of {self.model}"

    @property
    def most(self) -> int:
        """The largest size that will do, in bytes; 0: any."""
        return max(self.sizes, default=0)

    def check_size(self, size: int, source: str) -> None:
        """Compare a size that is announced or reached.

        Raises:
            CorruptModel: the manifest states another one.
        """
        if self.sizes and size not in self.sizes:
            raise CorruptModel(
                f"{source} gives {self.title} with {size} bytes, not {_listed(self.sizes)}: "
                "upstream replaced the file, or the answer is not the file",
                fix="try again later, or take another source; report it to the manifest's author",
                model=self.model,
            )

    def check(self, fetched: Fetched, source: str) -> None:
        """Compare size and hash of what came.

        Raises:
            CorruptModel: they are not what the manifest, or models.lock, says.
        """
        self.check_size(fetched.bytes, source)
        if self.hashes and fetched.sha256 not in self.hashes:
            raise CorruptModel(
                f"{source} gives {self.title} with another sha256 than is stated: "
                "upstream replaced the file, or it was damaged or forged on its way",
                fix="do not use it; try another source, or report it to the manifest's author",
                model=self.model,
            )


def _listed(sizes: frozenset[int]) -> str:
    return " or ".join(map(str, sorted(sizes)))
