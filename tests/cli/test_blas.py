"""OpenBLAS is asked for AVX-512 where the processor has it and nobody has chosen."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest
from numpy import show_config

from convcli.cli import blas

CONFIG = show_config(mode="dicts")
FLAGS = "flags\t\t: fpu sse2 avx2 avx512f avx512dq avx512cd avx512bw avx512vl\n"


@pytest.mark.parametrize(
    ("own", "has", "found"),
    [(None, True, "SkylakeX"), (None, False, None), ("Haswell", True, "Haswell"), ("", True, "")],
)
def test_the_kernels_are_asked_for_where_the_processor_has_them_and_nobody_has_chosen(
    own, has, found, monkeypatch
):
    monkeypatch.setenv(blas.SETTING, own or "")
    if own is None:
        monkeypatch.delenv(blas.SETTING)
    monkeypatch.setattr(blas, "has_avx512", lambda: has)
    blas.prepare()
    assert os.environ.get(blas.SETTING) == found


@pytest.mark.parametrize(
    ("text", "has"), [(FLAGS, True), (FLAGS.replace("avx512dq", ""), False), ("model name: x\n", False)]
)
def test_the_flags_of_the_processor_decide(tmp_path, text, has):
    (tmp_path / "cpuinfo").write_text(text)
    assert blas.has_avx512(tmp_path / "cpuinfo") is has


def test_a_system_that_does_not_tell_has_none(tmp_path):
    assert blas.has_avx512(tmp_path / "missing") is False


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64")
    or CONFIG["Build Dependencies"]["blas"]["name"] != "scipy-openblas",
    reason="NumPy has another BLAS",
)
@pytest.mark.parametrize(("own", "kernels"), [(None, "Nehalem"), ("Sandybridge", "Sandybridge")])
def test_a_command_computes_with_the_kernels_that_are_asked_for(own, kernels):
    """For real, with kernels that no processor of today is given by itself: NumPy comes after the setting."""
    program = (
        "import sys, threadpoolctl\n"
        "from convcli.__main__ import main\n"
        "from convcli.cli import blas\n"
        "blas.has_avx512, blas.WANTED = lambda: True, 'Nehalem'\n"
        "sys.argv = ['convcli', 'kernels', 'sobel', '--json']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print({one['architecture'] for one in threadpoolctl.threadpool_info()}, file=sys.stderr)\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != blas.SETTING}
    environment |= {} if own is None else {blas.SETTING: own}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == f"{{'{kernels}'}}"
