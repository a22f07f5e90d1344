"""The documentation says what the program does."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def reference_script():
    specification = importlib.util.spec_from_file_location("cli_reference", ROOT / "docs" / "cli_reference.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_command_reference_is_what_the_commands_say():
    script = reference_script()
    assert script.TARGET.read_text("utf-8") == script.reference(), "run `python docs/cli_reference.py`"


def test_every_command_is_in_the_reference_and_in_the_readme():
    from convcli.cli.app import app

    names = [command.callback.__name__ for command in app.registered_commands]
    assert list(reference_script().COMMANDS) == names
    readme = (ROOT / "README.md").read_text("utf-8")
    for name in names:
        assert f"convcli {name}" in readme, f"the README has no example of `convcli {name}`"


def test_links_in_the_documentation_lead_somewhere():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
