"""Packages that an extra brings."""

from __future__ import annotations

import json

import pytest

from convcli.errors import MissingExtraError
from convcli.extras import extra


def test_a_package_that_is_there_is_returned():
    assert extra("json", "any", "This") is json


def test_one_that_is_not_is_named_with_its_remedy():
    with pytest.raises(MissingExtraError) as error:
        extra("no_such_package.part", "onnx", "export --to onnx")
    needs = "export --to onnx needs the package no_such_package, which is not installed"
    assert error.value.lines == (f"{needs}: pip install 'convcli[onnx]'",)


def test_what_such_a_package_lacks_itself_is_no_missing_extra(tmp_path, monkeypatch):
    (tmp_path / "half_there.py").write_text("import no_such_package")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        extra("half_there", "any", "This")
