"""The documentation says what the program does."""

from __future__ import annotations

import doctest
import importlib.util
import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from convcli.filtering.steps import STEPS

ROOT = Path(__file__).parent.parent


def reference_script(name="cli_reference"):
    specification = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_command_reference_is_what_the_commands_say():
    script = reference_script()
    assert script.TARGET.read_text("utf-8") == script.reference(), "run `python docs/cli_reference.py`"


def test_every_command_has_an_example_in_its_help_and_in_the_readme():
    readme = (ROOT / "README.md").read_text("utf-8")
    for name, command in reference_script().commands().items():
        assert f"  convcli {name}" in command.__doc__
        assert re.search(rf"^\$ convcli {name}\b", readme, re.MULTILINE), name


def test_every_option_of_every_command_is_explained():
    script = reference_script()
    for name, command in script.commands().items():
        for parameter in script.parameters(command):
            assert parameter.help, f"{name} {parameter.name}"


def test_the_network_that_one_can_open_runs_in_the_page_of_today():
    script = reference_script("network_page")
    stored = script.TARGET.read_bytes()
    assert script.written(*script.kept(stored.decode())) == stored, "run `python docs/network_page.py`"


def test_links_in_the_documentation_lead_somewhere():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def console_examples(page):
    """Yield (command, expected output) for each `$ ` line of the page's console blocks, in order."""
    for block in re.findall(r"```console\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = example.partition("\n")
            yield command, output


@pytest.mark.long
def test_the_examples_of_the_readme_print_what_it_shows(tmp_path):
    for folder in ("examples", "sample_images"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    environment = {**os.environ, "COLUMNS": "84", "NO_COLOR": "1"}
    environment["PYTHONUNBUFFERED"] = "1"  # notes and results in one order, as on a terminal
    environment["XDG_STATE_HOME"] = str(tmp_path / "state")  # where `learn` keeps what was answered
    environment["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    examples = list(console_examples(ROOT / "README.md"))
    assert len(examples) >= 10
    for command, expected in examples:
        done = subprocess.run(
            command,
            shell=True,
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        printed = "\n".join(line.rstrip() for line in done.stdout.strip().splitlines()) + "\n"
        same = doctest.OutputChecker().check_output(expected, printed, doctest.ELLIPSIS)
        assert same, f"$ {command}\nprints\n{printed}\nbut the README says\n{expected}"


@pytest.mark.parametrize("page", ["README.md", "docs/python.md", "docs/learn.md"])
def test_the_python_examples_hold(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    results = doctest.testfile(str(ROOT / page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert results.attempted > 5
    assert results.failed == 0


def test_the_tables_of_the_configuration_are_what_its_parts_say():
    script = reference_script("configuration_reference")
    page = script.TARGET.read_text("utf-8")
    assert [found[1] for found in script.BLOCK.findall(page)] == list(script.SECTIONS)
    assert page == script.reference(), "run `python docs/configuration_reference.py`"


def test_the_page_of_steps_is_up_to_date():
    script = reference_script("steps_reference")
    assert script.TARGET.read_text("utf-8") == script.reference(), "run `python docs/steps_reference.py`"


def test_the_page_of_formats_is_up_to_date_and_knows_every_kind():
    script = reference_script("formats_reference")
    assert script.TARGET.read_text("utf-8") == script.reference(), "run `python docs/formats_reference.py`"


@pytest.mark.parametrize("name", STEPS)
def test_every_step_and_each_of_its_options_say_what_they_are(name):
    step = STEPS[name]
    assert step.__doc__.splitlines()[0].endswith(".")
    assert all(step.model_fields[option].description for option in step.options())


def test_the_configuration_reference_says_what_each_policy_stands_for():
    from convcli.formats.toml import inline
    from convcli.nn.augmentation.options import POLICIES

    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    for name, policy in POLICIES.items():
        assert f'| `"{name}"` | `{inline(policy)}` |' in page


def test_the_configuration_reference_names_every_option_of_data_and_training():
    from convcli.config import DataOptions
    from convcli.nn.config import EvaluationOptions, TrainingOptions

    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    tables = (DataOptions, TrainingOptions, EvaluationOptions)
    for option in [name for table in tables for name in table.model_fields]:
        assert f"| `{option}` |" in page
