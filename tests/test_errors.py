"""The exception tree: what its drawing says is how it is."""

from __future__ import annotations

import pickle
import re

import pytest

from convcli import errors
from convcli.errors import ConvcliError, UnknownNameError, UsageError
from convcli.wording import suggestion


def tree(cls):
    """Return every class under `cls`, and itself."""
    return [cls, *(found for child in cls.__subclasses__() for found in tree(child))]


def drawn():
    """Return (name, exit code, depth) of each line of the drawing."""
    pattern = re.compile(r"^([│├└─ ]*)(\w+Error) +(\d) ", re.MULTILINE)
    return [(name, int(code), len(indent) // 4) for indent, name, code in pattern.findall(errors.__doc__)]


CLASSES = [cls for cls in tree(ConvcliError) if cls.__module__ == "convcli.errors"]


def test_the_drawing_names_every_class():
    assert sorted(name for name, _, _ in drawn()) == sorted(cls.__name__ for cls in CLASSES)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_the_drawing_gives_the_exit_code_and_the_parent(cls):
    lines = drawn()
    index = [name for name, _, _ in lines].index(cls.__name__)
    _, code, depth = lines[index]
    assert cls.exit_code == code
    if depth:
        parent = next(name for name, _, above in reversed(lines[:index]) if above == depth - 1)
        assert cls.__bases__[0].__name__ == parent


def test_no_class_of_the_tree_is_defined_elsewhere():
    import convcli.build
    import convcli.cli.app
    import convcli.filtering  # noqa: F401

    assert [cls.__name__ for cls in tree(ConvcliError) if cls not in CLASSES] == []


def test_a_wrong_request_is_a_value_error_too():
    assert issubclass(UsageError, ValueError)


def test_an_unknown_name_says_its_kind_and_the_nearest():
    assert str(UnknownNameError("kernel", "sobble", ["sobel", "box"])) == (
        "Unknown kernel 'sobble'. Did you mean 'sobel'?"
    )


@pytest.mark.parametrize(
    ("word", "known", "end"),
    [
        ("EPOCHS", ["epochs", "seed"], " Did you mean 'epochs'?"),
        ("zzz", ["epochs", "seed"], " Known: epochs, seed."),
        ("zzz", [], ""),
    ],
)
def test_suggestions(word, known, end):
    assert suggestion(word, iter(known)) == end


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_an_error_is_the_same_in_another_process(cls):
    error = cls("kernel", "sobble", ["sobel"]) if cls is UnknownNameError else cls("one line", "another")
    error.__cause__ = OSError(28, "No space left on device")
    back = pickle.loads(pickle.dumps(error.placed("a.png")))
    assert (type(back), back.lines, back.__cause__.errno) == (cls, error.lines, 28)


def test_a_cause_that_no_other_process_would_understand_stays_behind():
    error = UsageError("no")
    error.__cause__ = type("Own", (Exception,), {})()
    restored, what = error.__reduce__()
    assert restored(*what).__cause__ is None
