"""The registry of steps."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from convcli.filtering.steps import STEPS
from convcli.filtering.steps.step import FAMILIES


@pytest.mark.parametrize("file", sorted({file for file, _ in FAMILIES.values()}))
def test_a_family_registers_what_is_listed_of_it_and_nothing_else(file):
    module = import_module(f"convcli.filtering.steps.{file}")
    listed = {name for other, names in FAMILIES.values() if other == file for name in names}
    assert {name for name, step in STEPS.items() if step.__module__ == module.__name__} == listed


def test_a_chain_imports_the_files_of_its_own_steps_alone():
    program = (
        "import sys\nfrom convcli.filtering.steps.parsing import step_of\nstep_of('gray'), step_of('sobel')\n"
        "print(*sorted(name.rpartition('.')[2] for name in sys.modules if '.filtering.steps.' in name))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert loaded.split() == ["kernel", "parsing", "points", "step"]
