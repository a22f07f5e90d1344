"""A learner's file, read but not run: functions, classes, and what their text tells of their arguments."""

from __future__ import annotations

import ast
import io
import json
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from convcli.errors import InputError, reason
from convcli.wording import shown

MOST_BYTES = 1 << 20
ABSENT = object()


@dataclass(frozen=True)
class Parameter:
    """An argument of a function; `default` is a plain value, or ABSENT where there is none."""

    name: str
    default: Any = ABSENT

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is ABSENT


@dataclass(frozen=True)
class Function:
    """A function as its text has it.

    Attributes
    ----------
    shapes
        By name: the names that the axes of an array are given (`N, C, H, W = x.shape`).
    unpacked
        Into how many names an argument is taken apart (`p_h, p_w = pool_size`, `size[0]`).
    keys
        By name: the keys that are looked up in a dictionary (`hparameters["stride"]`).
    words, uses
        Text constants that occur in it, and names of what it looks up elsewhere (`np.mean`).
    returned
        The names of what is returned, where several things are; "" of what has none.
    axis
        Whether anything in it says `axis=`.
    names
        The names of variables that occur in it.
    """

    name: str
    line: int
    parameters: tuple[Parameter, ...]
    doc: str = ""
    shapes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unpacked: Mapping[str, int] = field(default_factory=dict)
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    returned: tuple[str, ...] = ()
    axis: bool = False
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Class:
    """A class as its text has it, with what it takes over from classes above it in the file."""

    name: str
    line: int
    methods: Mapping[str, Function]
    doc: str = ""


@dataclass(frozen=True)
class Program:
    """A file of Python, or a notebook's cells of code.

    Attributes
    ----------
    failure
        Why it cannot be run at all: (line, words, the line's text) of what is no Python.
    """

    path: Path
    source: str
    functions: tuple[Function, ...] = ()
    classes: tuple[Class, ...] = ()
    failure: tuple[int, str, str] | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Program:
        """Read a .py or .ipynb file, or raise InputError."""
        try:
            size = path.stat().st_size
            if size > MOST_BYTES:
                raise InputError(
                    f"{shown(path)}: {size:,} bytes; at most {MOST_BYTES:,} are read of a program."
                )
            data = path.read_bytes()
        except OSError as error:
            raise InputError(f"{shown(path)}: {reason(error)}.") from error
        notes: list[str] = []
        source = _cells(path, data, notes) if path.suffix == ".ipynb" else _text(path, data)
        return cls.of(path, source, tuple(notes))

    @classmethod
    def of(cls, path: Path, source: str, notes: tuple[str, ...] = ()) -> Program:
        """Return what a source holds."""
        try:
            tree = ast.parse(source, str(path))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = getattr(error, "lineno", None) or 1
            lines = source.splitlines()
            text = lines[line - 1].strip() if line <= len(lines) else ""
            return cls(path, source, failure=(line, getattr(error, "msg", str(error)), text), notes=notes)
        functions: dict[str, Function] = {}
        classes: dict[str, Class] = {}
        for node in _definitions(tree):
            if isinstance(node, ast.FunctionDef):
                functions[node.name] = function(node)  # the last of one name is the one that is called
            else:
                classes[node.name] = _class(node, classes)
        return cls(path, source, tuple(functions.values()), tuple(classes.values()), notes=notes)


def _definitions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """Yield functions and classes of a module, also those in a branch, but not those under a main guard."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node
        elif isinstance(node, ast.Try) or (
            isinstance(node, ast.If) and "__main__" not in ast.dump(node.test)
        ):
            yield from (inner for inner in node.body if isinstance(inner, ast.FunctionDef | ast.ClassDef))


def _text(path: Path, data: bytes) -> str:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return io.TextIOWrapper(io.BytesIO(data), encoding).read()
    except (SyntaxError, UnicodeError, LookupError) as error:
        raise InputError(f"{shown(path)}: not a text of Python: {error}.") from error


def _cells(path: Path, data: bytes, notes: list[str]) -> str:
    """Return the code of a notebook, without the lines that are for IPython alone."""
    try:
        cells = json.loads(data)["cells"]
        codes = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{shown(path)}: not a notebook (nbformat 4): no cells of code.") from error
    lines, left = [], 0
    for code in codes:
        if code.lstrip().startswith("%%"):
            left += 1
            continue
        for line in code.splitlines():
            special = line.lstrip().startswith(("%", "!", "?")) or line.rstrip().endswith("?")
            left += special
            indent = line[: len(line) - len(line.lstrip())]
            lines.append(f"{indent}pass  # {line.strip()}" if special else line)
        lines.append("")
    if left:
        notes.append(f"left out of the notebook, as for IPython alone (%, !): {left} of its lines or cells")
    return "\n".join(lines)


def _class(node: ast.ClassDef, known: Mapping[str, Class]) -> Class:
    methods: dict[str, Function] = {}
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in known:
            methods |= known[base.id].methods
    for inner in node.body:
        if isinstance(inner, ast.FunctionDef):
            found = function(inner)
            methods[inner.name] = Function(
                **{**found.__dict__, "parameters": found.parameters[1:]}  # without self
            )
    return Class(node.name, node.lineno, methods, ast.get_docstring(node) or "")


def function(node: ast.FunctionDef) -> Function:  # noqa: C901  (a case a line)
    """Return what the text of a function tells."""
    shapes: dict[str, tuple[str, ...]] = {}
    unpacked: dict[str, int] = {}
    keys: dict[str, list[str]] = {}
    words: set[str] = set()
    uses: set[str] = set()
    returned: tuple[str, ...] = ()
    axis = False
    variables: set[str] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            variables.add(inner.id)
        match inner:
            case ast.Assign(targets=[ast.Tuple(elts=names) | ast.List(elts=names)], value=value):
                texts = tuple(one.id if isinstance(one, ast.Name) else "" for one in names)
                match value:
                    case ast.Attribute(value=ast.Name(id=name), attr="shape"):
                        shapes.setdefault(name, texts)
                    case ast.Subscript(value=ast.Attribute(value=ast.Name(id=name), attr="shape")):
                        pass
                    case ast.Name(id=name):
                        unpacked.setdefault(name, len(texts))
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(key))):
                keys.setdefault(name, []).append(key)
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="get"),
                args=[ast.Constant(value=str(key)), *_],
            ):
                keys.setdefault(name, []).append(key)
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=0 | 1)):
                unpacked.setdefault(name, 2)  # size[0], size[1]
            case ast.Return(value=ast.Tuple(elts=items)):
                if len(items) > len(returned):
                    returned = tuple(_name(one) for one in items)
            case ast.Constant(value=str(text)):
                words.add(text)
            case ast.Attribute(attr=name):
                uses.add(name)
            case ast.keyword(arg="axis"):
                axis = True
    return Function(
        node.name,
        node.lineno,
        _parameters(node.args),
        ast.get_docstring(node) or "",
        shapes,
        unpacked,
        {name: tuple(dict.fromkeys(found)) for name, found in keys.items()},
        frozenset(words),
        frozenset(uses),
        returned,
        axis,
        frozenset(variables),
    )


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _parameters(arguments: ast.arguments) -> tuple[Parameter, ...]:
    positional = [*arguments.posonlyargs, *arguments.args]
    missing: list[Any] = [None] * (len(positional) - len(arguments.defaults))
    pairs = list(zip(positional, [*missing, *arguments.defaults], strict=True))
    pairs += list(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
    return tuple(Parameter(one.arg, _plain(default)) for one, default in pairs)


def _plain(default: ast.expr | None) -> Any:
    """Return a default value where it is written out; None for one that is computed."""
    if default is None:
        return ABSENT
    try:
        return ast.literal_eval(default)
    except (ValueError, TypeError, SyntaxError):
        return None
