"""`convcli steps`: the list, and one step with its options."""

from __future__ import annotations

import json

from convcli.filtering.steps import STEPS


def test_the_list_names_every_step_and_leads_on(call):
    result = call("steps")
    listed = {
        line.split()[0].partition(":")[0] for line in result.stdout.splitlines() if line.startswith("  ")
    }
    assert STEPS.keys() - {"kernel"} <= listed
    assert "convcli kernels" in result.stdout


def test_a_kernels_step_has_its_parameters_first(call):
    lines = call("steps", "gaussian").stdout.splitlines()
    assert lines[0] == "gaussian: Soft blur; without a size, wide enough for four sigma."
    assert lines[2].split()[0] == "sigma"
    assert "Source: Gonzalez" in lines[-1]


def test_json_holds_defaults_and_a_schema(call):
    step = json.loads(call("steps", "box", "--json").stdout)
    assert step["options"]["stride"]["default"] == [1, 1]
    assert step["schema"]["properties"]["size"]["description"] == "cells per side"


def test_an_unknown_step_is_refused_with_a_suggestion(call):
    result = call("steps", "invrt")
    assert (result.code, result.stderr) == (2, "error: Unknown step 'invrt'. Did you mean 'invert'?\n")
