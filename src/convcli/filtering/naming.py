"""What results are called: a template such as `{stem}_{kernel}{ext}`, filled in for each image and kernel."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from convcli.errors import UsageError
from convcli.wording import shortened, shown, suggestion

FIELDS = ("stem", "name", "ext", "kernel", "steps", "parent", "index")
"""Of the image its name without ending, the whole, its folder's, its number; of the result what makes it."""

COUNTED = "index"

_DIGITS = re.compile(r"0?[1-9]d?")
_SEPARATORS = sorted({"/", os.sep, os.altsep or os.sep})


@dataclass(frozen=True)
class Naming:
    """A template for names, found to be one; `UsageError` says what is wrong with it.

    >>> Naming("{index:03}-{stem}{ext}").named("photos/a.b.jpg", kernel="sobel", ext=".png", index=7)
    PosixPath('007-a.b.png')
    """

    template: str

    def __post_init__(self) -> None:
        try:
            fields = [(field, digits, sign) for _, field, digits, sign in self._parsed() if field is not None]
        except ValueError as error:
            raise self._wrong(f"{error}; a brace that is part of the name is written twice.") from error
        for field, digits, sign in fields:
            if field not in FIELDS:
                what = f"{{{shortened(shown(field))}}}"
                raise self._wrong(
                    f"there is no {what}.{suggestion(what, [f'{{{known}}}' for known in FIELDS])}"
                )
            if sign or (digits and not (field == COUNTED and _DIGITS.fullmatch(digits))):
                raise self._wrong("only {index} takes a number of digits, as {index:04}.")

    @property
    def counts(self) -> bool:
        """Whether a name depends on which other images there are."""
        return any(field == COUNTED for _, field, _, _ in self._parsed())

    def named(self, source: str, *, kernel: str, ext: str, index: int) -> Path:
        """Return what the result of an image is called, below the folder for results.

        Raises `UsageError` if that is no name, or one that leads elsewhere.
        """
        image = Path(source)
        parent = Path(os.path.abspath(source)).parent.name  # noqa: PTH100  (a link stays one)
        values = {"stem": image.stem, "name": image.name, "ext": ext, "kernel": kernel, "steps": kernel}
        values["parent"] = parent
        odd = any(sign in value for value in values.values() for sign in (*_SEPARATORS, "\0"))
        name = self.template.format(**values, index=index)
        parts = re.split(f"[{re.escape(''.join(_SEPARATORS))}]", name)
        if odd or "\0" in name or any(part in ("", os.curdir, os.pardir) for part in parts):
            raise self._wrong(
                f"makes {shown(name)!r} of {shown(source)}; expected the name of a file in --out-dir, or in "
                "folders below it."
            )
        return Path(name)

    def _parsed(self) -> list[tuple[str, str | None, str | None, str | None]]:
        return list(Formatter().parse(self.template))

    def _wrong(self, what: str) -> UsageError:
        return UsageError(f"--name {shortened(shown(self.template))}: {what}")
