"""A registry files parts under names and helps with a misspelt one."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from convcli.errors import UnknownNameError
from convcli.registry import Registry


@pytest.fixture
def tools():
    registry = Registry("tool")
    registry.register("saw")(1)
    registry.register("hammer")(2)
    return registry


def test_parts_stay_in_order_of_registration(tools):
    assert list(tools) == ["saw", "hammer"]
    assert list(tools.values()) == [1, 2]
    assert len(tools) == 2


def test_register_gives_back_what_it_decorates():
    def build(): ...

    assert Registry("tool").register("drill")(build) is build


def test_a_misspelt_name_suggests_the_nearest(tools):
    with pytest.raises(UnknownNameError, match=r"^Unknown tool 'hamer'\. Did you mean 'hammer'\?$"):
        tools["hamer"]


def test_a_name_like_no_other_lists_them_all(tools):
    with pytest.raises(UnknownNameError, match=r"^Unknown tool 'qqq'\. Known: saw, hammer\.$"):
        tools["qqq"]


def test_membership_is_asked_without_an_error(tools):
    assert "saw" in tools
    assert "sew" not in tools


def test_one_name_cannot_stand_for_two_parts(tools):
    with pytest.raises(ValueError, match="tool 'saw' is registered twice"):
        tools.register("saw")(3)
    assert tools["saw"] == 1


def test_a_part_with_a_home_is_known_before_it_is_there(tmp_path, monkeypatch):
    (tmp_path / "its_home.py").write_text("import owner; owner.tools.register('plane')(3)")
    owner = ModuleType("owner")
    tools = Registry[int]("tool", homes={"plane": "its_home"})
    vars(owner)["tools"] = tools
    tools.register("saw")(1)
    monkeypatch.setitem(sys.modules, "owner", owner)
    monkeypatch.syspath_prepend(tmp_path)
    assert list(tools) == ["plane", "saw"]
    assert "its_home" not in sys.modules
    assert list(tools.values()) == [3, 1]
    assert "its_home" in sys.modules
    monkeypatch.delitem(sys.modules, "its_home")


def test_another_name_leads_to_the_same_part_and_is_no_name_of_its_own():
    parts = Registry("part", aliases={"linear": "none"})
    parts.register("none")(int)
    assert parts["linear"] is int
    assert list(parts) == ["none"]
    with pytest.raises(UnknownNameError, match="lineal"):
        parts["lineal"]
