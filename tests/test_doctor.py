"""What doctor finds is what the libraries themselves say, and its notes name what to do."""

from __future__ import annotations

import importlib.metadata
import json
from dataclasses import replace

import numpy as np
import pytest
import threadpoolctl

from convcli import doctor, engine
from convcli.doctor import examine
from convcli.engine.costs import costs
from convcli.render.doctor import doctor_text


@pytest.fixture(scope="module")
def found():
    return examine()


def test_it_finds_what_the_libraries_say(found):
    assert found.packages["numpy"] == np.__version__
    architectures = {info.get("architecture") for info in threadpoolctl.threadpool_info()}
    assert {library["kernels"] for library in found.blas} <= architectures
    assert found.cores["used"] <= found.cores["machine"]
    assert {"dev", "bench", "fuzz"} <= found.extras.keys()
    assert {"numpy", "pydantic"} <= found.packages.keys()
    assert "scipy" not in found.packages  # which only extras ask for


def test_a_package_that_is_missing_is_named_with_what_to_do(monkeypatch):
    def version(package):
        if package in ("matplotlib", "scipy"):
            raise importlib.metadata.PackageNotFoundError(package)
        return "1"

    monkeypatch.setattr(doctor, "version", version)
    found = examine()
    assert found.packages["matplotlib"] is None
    assert "scipy" in found.extras["bench"]
    assert any("matplotlib is missing: install" in note for note in found.notes)
    assert "matplotlib MISSING" in doctor_text(found)
    assert "missing: " in doctor_text(found)


@pytest.mark.parametrize(
    ("instructions", "kernels", "doubts"),
    [
        (("X86_V3", "X86_V4"), "Haswell", True),
        (("AVX2", "AVX512_SKX"), "Zen", True),
        (("X86_V3", "X86_V4"), "SkylakeX", False),
        (("X86_V3",), "Haswell", False),
    ],
)
def test_kernels_without_avx512_on_a_processor_with_it_are_doubted(found, instructions, kernels, doubts):
    library = {"name": "openblas", "version": "1", "kernels": kernels, "threads": 1}
    notes = list(replace(found, instructions=instructions, blas=(library,)).notes)
    assert any("unset OPENBLAS_CORETYPE" in note for note in notes) == doubts


def test_a_matrix_library_that_nobody_knows_is_doubted(found):
    assert any("No BLAS is known" in note for note in replace(found, blas=()).notes)


def test_it_tells_the_row_of_costs_in_force(found):
    assert found.costs is costs()
    assert f"row {costs().kernels}: Winograd from {costs().winograd_channels} channels" in doctor_text(found)


def test_a_numpy_that_names_no_instructions_is_stood(monkeypatch):
    monkeypatch.setattr(np, "show_config", lambda mode: {})  # it leaves out what is empty
    assert examine().instructions == ()


def test_a_control_group_that_grants_less_is_told(monkeypatch):
    monkeypatch.setattr(doctor, "cgroup_cores", lambda: 1.5)
    assert "1.5 granted by its control group" in doctor_text(examine())


def test_the_command_prints_the_same_as_json(call):
    result = call("doctor", "--json")
    document = json.loads(result.stdout)
    assert document["packages"]["numpy"] == np.__version__
    assert document["cores"]["used"] == engine.threads.available_cores()
