"""Name → factory. Each room keeps its own registry; a part registers itself in the file that defines it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TypeVar

from convcli.errors import UnknownNameError

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """A mapping from names to parts of one kind, in order of registration.

    Looking up an unknown name raises `UnknownNameError` with the nearest known one, or with what `hints` say
    of a name that people know from elsewhere; `aliases` are other names that lead to a part, whose own is the
    one that is listed. `homes` are modules by the name of a part that each registers: they are imported when
    it is first looked up.

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

    def __init__(
        self,
        kind: str,
        hints: Mapping[str, str] = MappingProxyType({}),
        homes: Mapping[str, str] = MappingProxyType({}),
        aliases: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.kind, self.hints, self.homes, self.aliases = kind, hints, homes, aliases
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
        name = self.own_name(name)
        if name not in self:
            raise UnknownNameError(self.kind, name, self, self.hint(str(name)))
        if name not in self._parts:
            import_module(self.homes[name])
        return self._parts[name]

    def own_name(self, name: str) -> str:
        """Return the name under which a part is filed, of that or another name of it."""
        return self.aliases.get(name, name) if isinstance(name, str) else name

    def hint(self, name: str) -> str:
        """Return what is said of an unknown name; nothing of most."""
        return self.hints.get(plain(name), "")

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in self._parts or name in self.homes)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self.homes, *self._parts)))

    def __len__(self) -> int:
        return len(self.homes.keys() | self._parts.keys())


def plain(name: str) -> str:
    """Return a name as it is looked up among hints.

    >>> plain("Mexican hat"), plain("log-softmax")
    ('mexican_hat', 'log_softmax')
    """
    return name.strip().lower().replace("-", "_").replace(" ", "_")
