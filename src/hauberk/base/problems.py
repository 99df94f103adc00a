"""Failures that the reader can act on."""

from __future__ import annotations


class Problem(Exception):
    """A failure with its cause and one executable fix.

    Raise it only where the cause is known. Below that point let ordinary exceptions
    travel; above it, `cli.main` prints a `Problem` without a traceback and exits 1.
    """

    def __init__(self, what: str, *, wanted: str, found: str, fix: str, see: str = "") -> None:
        super().__init__(what)
        self.what, self.wanted, self.found, self.fix, self.see = what, wanted, found, fix, see

    def as_json(self) -> dict[str, str]:
        """What another process needs to raise the same Problem: `Problem(**row)`."""
        return {k: getattr(self, k) for k in ("what", "wanted", "found", "fix", "see")}

    def __str__(self) -> str:
        lines = [
            self.what,
            f"  wanted: {self.wanted}",
            f"  found:  {self.found}",
            f"  fix:    {self.fix}",
        ]
        return "\n".join([*lines, f"  see:    {self.see}"] if self.see else lines)
