"""Name → factory. Each room keeps its own registry; a part registers itself in the file that defines it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from convcli.errors import UnknownNameError

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """A mapping from names to parts of one kind, in order of registration.

    Looking up an unknown name raises `UnknownNameError` with the nearest known one.

    >>> shapes: Registry[type] = Registry("shape")
    >>> @shapes.register("round")
    ... class Round: ...
    >>> list(shapes)
    ['round']
    >>> shapes["ruond"]
    Traceback (most recent call last):
    ...
    convcli.errors.UnknownNameError: Unknown shape 'ruond'. Did you mean 'round'?
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._parts: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that files what it decorates under `name`."""

        def add(part: T) -> T:
            if name in self._parts:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            self._parts[name] = part
            return part

        return add

    def __getitem__(self, name: str) -> T:
        try:
            return self._parts[name]
        except KeyError:
            raise UnknownNameError(self.kind, name, self._parts) from None

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)
