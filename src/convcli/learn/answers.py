"""What counts as an answer: how it is read from a line of text, and whether it is right."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convcli.arrays.literals import literal
from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.explaining.elements import Element, Formula, Grid, Row, Words
from convcli.explaining.notation import number
from convcli.wording import by, shortened

CLOSE = 0.00051
"""How far a number may be from the right one, which makes three decimals enough, or four digits of one above
1; whole ones are exact."""

_THOUSANDS = re.compile(r"[-−]?\d{1,3}(,\d{3})+")
_SIZES = re.compile(r"[(\[]?\s*\d{1,9}(\s*(?:[x×*,]|\s)\s*\d{1,9})*\s*[)\]]?")


class Answer(ABC):
    """What an exercise expects."""

    @property
    @abstractmethod
    def expects(self) -> str:
        """What may be typed in, as the end of "expected …"."""

    @abstractmethod
    def read(self, text: str) -> Any:
        """Return the value that a line of text holds, or raise `UsageError` that says what is expected."""

    @abstractmethod
    def right(self, value: Any) -> bool:
        """Whether a value is right."""

    @property
    @abstractmethod
    def element(self) -> Element:
        """The answer as it is shown."""

    @property
    @abstractmethod
    def typed(self) -> str:
        """A right answer as one may type it in."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """The answer as rows of elements, named as one."""
        if isinstance(self.element, Formula):
            return ((Words(f"Answer: {self.element.text}"),),)
        return ((Words("Answer:"),), (self.element,))

    def nearly(self, value: Any) -> str:
        """Return what can be said of a wrong value, or nothing."""
        return ""

    def _unreadable(self, text: str) -> UsageError:
        found = f", found {shortened(repr(text.strip()))}" if text.strip() else ""
        return UsageError(f"Expected {self.expects}{found}.")


def close(found: Array, right: Array) -> Array:
    """Return where numbers are right: to three decimals, and whole ones exactly."""
    tolerance = np.where(right == np.rint(right), 1e-9, CLOSE) * np.maximum(1, np.abs(right))
    return np.asarray(np.abs(found - right) <= tolerance)


@dataclass(frozen=True)
class Number(Answer):
    """One number; a fraction and three decimals are as good."""

    value: float

    @property
    def expects(self) -> str:
        """As in the base class."""
        if float(self.value).is_integer():
            return "a whole number such as 12 or -3"
        return "a number such as 3, -2, 1/9 or 0.111 (three decimals are enough)"

    def read(self, text: str) -> float:
        """Return a number; 1,216 is read as this program writes it."""
        if float(self.value).is_integer() and _THOUSANDS.fullmatch(text.strip()):
            text = text.replace(",", "")
        try:
            found = literal(text, "answer").values
        except UsageError as error:
            if "decimal comma" in str(error):
                raise UsageError(f"Expected a decimal point: {text.strip().replace(',', '.')}.") from error
            raise self._unreadable(text) from error
        if found.size != 1:
            raise self._unreadable(text)
        return float(found.ravel()[0])

    def right(self, value: float) -> bool:
        """As in the base class."""
        return bool(close(np.array(value), np.array(self.value)))

    @property
    def element(self) -> Element:
        """As in the base class."""
        return Formula(number(self.value))

    @property
    def typed(self) -> str:
        """As in the base class."""
        return number(self.value).replace("−", "-")


@dataclass(frozen=True)
class Numbers(Number):
    """One whole number, where several are right: every one from 0 on that `fits`; `value` is the least."""

    fits: Callable[[int], bool] = lambda _: False

    @property
    def _all(self) -> list[int]:
        return [n for n in range(100) if self.fits(n)]

    def right(self, value: float) -> bool:
        """As in the base class."""
        return value >= 0 and float(value).is_integer() and self.fits(int(value))

    @property
    def element(self) -> Element:
        """As in the base class."""
        return Formula(" or ".join(map(str, self._all)))


@dataclass(frozen=True, eq=False)
class Matrix(Answer):
    """A matrix; a row is one of one row."""

    values: Array
    name: str

    @property
    def expects(self) -> str:
        """As in the base class."""
        if len(self.values) == 1:
            return "a row of numbers such as 1 -2 0.5"
        return "a matrix such as 1 2; 3 4, its rows parted by ;"

    def read(self, text: str) -> Array:
        """Return a matrix."""
        try:
            found = literal(text, "answer").values
        except UsageError as error:
            if "decimal comma" in str(error):
                raise UsageError(f"{error} Cells are parted by blanks, rows by ;.") from error
            raise self._unreadable(text) from error
        found = np.atleast_2d(found)
        if found.ndim > 2:
            raise self._unreadable(text)
        one = 1 in found.shape and 1 not in self.values.shape
        if one and found.size == self.values.size:
            raise UsageError("Expected the rows parted by ; as in 1 2; 3 4.")
        return found

    def right(self, value: Array) -> bool:
        """As in the base class."""
        return value.shape == self.values.shape and bool(close(value, self.values).all())

    def nearly(self, value: Array) -> str:
        """Say that the size is another, or which cells are wrong."""
        if value.shape != self.values.shape:
            return f"the size of {self.name} is not {by(value.shape)}"
        wrong = np.argwhere(~close(value, self.values))
        if 0 < len(wrong) < value.size:
            places = ", ".join(f"[{i + 1}, {j + 1}]" for i, j in wrong[:4])
            rest = ", …" if len(wrong) > 4 else ""
            return (
                f"{value.size - len(wrong)} of {value.size} numbers are right; look again at {places}{rest}"
            )
        return ""

    @property
    def element(self) -> Element:
        """As in the base class."""
        return Grid.of(self.values, self.name, "done")

    @property
    def typed(self) -> str:
        """As in the base class."""
        rows = (" ".join(number(cell) for cell in row) for row in self.values.tolist())
        return "; ".join(rows).replace("−", "-")


@dataclass(frozen=True, eq=False)
class AnyMatrix(Matrix):
    """A matrix of which many are right: every one of the size of `values` that `fits`; `values` is one."""

    fits: Callable[[Array], bool] = lambda _: False

    def right(self, value: Array) -> bool:
        """As in the base class."""
        return value.shape == self.values.shape and self.fits(value)

    def nearly(self, value: Array) -> str:
        """Say that the size is another."""
        return "" if value.shape == self.values.shape else super().nearly(value)


@dataclass(frozen=True)
class Sizes(Answer):
    """Sizes or places, such as 5 × 5 × 2."""

    sizes: tuple[int, ...]
    what: str = "sizes"

    @property
    def expects(self) -> str:
        """As in the base class."""
        return f"{self.what} such as {' x '.join(map(str, (5, 5, 2)[: len(self.sizes)]))}"

    def read(self, text: str) -> tuple[int, ...]:
        """Return whole numbers, however they are parted."""
        if not _SIZES.fullmatch(text.strip()):
            raise self._unreadable(text)
        found = tuple(int(digits) for digits in re.findall(r"\d+", text))
        if len(found) != len(self.sizes):
            raise UsageError(f"Expected {len(self.sizes)} numbers: {self.expects}; found {len(found)}.")
        return found

    def right(self, value: tuple[int, ...]) -> bool:
        """As in the base class."""
        return value == self.sizes

    @property
    def element(self) -> Element:
        """As in the base class."""
        if self.what.startswith("row and column"):
            return Formula("row {}, column {}".format(*self.sizes))
        return Formula(by(self.sizes))

    @property
    def typed(self) -> str:
        """As in the base class."""
        return "x".join(map(str, self.sizes))


@dataclass(frozen=True)
class Choice(Answer):
    """One of several words; its beginning is enough."""

    word: str
    words: tuple[str, ...]

    @property
    def expects(self) -> str:
        """As in the base class."""
        return " or ".join((", ".join(self.words[:-1]), self.words[-1]))

    def read(self, text: str) -> str:
        """Return one of the words."""
        begun = text.strip().lower()
        found = [word for word in self.words if begun and word.startswith(begun)]
        if len(found) != 1:
            raise self._unreadable(text)
        return found[0]

    def right(self, value: str) -> bool:
        """As in the base class."""
        return value == self.word

    @property
    def element(self) -> Element:
        """As in the base class."""
        return Formula(self.word)

    @property
    def typed(self) -> str:
        """As in the base class."""
        return self.word
