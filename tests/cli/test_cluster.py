"""`filter --cluster`: what does not go with it is refused by its name, before anything else."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

ADDRESS = "tcp://127.0.0.1:9"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "a.png"], "-o does not go with --cluster: each worker writes its results; give --out-dir."),
        (["--show", "--out-dir", "out"], "--show does not go with --cluster: "),
        (["--out-dir", "out", "--dry-run"], "--dry-run does not go with --cluster: leave out --cluster"),
        (["--out-dir", "out", "--from", "m.jsonl"], "--from does not go with --cluster: "),
        (["--out-dir", "out", "--jobs", "3"], "--jobs goes with --cluster local"),
        (["--out-dir", "out", "-"], "Standard input (-) does not go with --cluster"),
        ([], "--cluster needs --out-dir"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_does_not_go_with_a_cluster_is_refused_by_name(call, words, said):
    result = call("filter", "a.png", "-k", "sobel", "--cluster", ADDRESS, *words)
    assert result.code == 2
    assert result.stderr.startswith(f"error: {said}")


@pytest.mark.parametrize(
    ("address", "likely"),
    [("host:8786", "tcp://host:8786"), ("host", "tcp://host:8786"), ("", "tcp://host:8786")],
)
def test_an_address_that_is_none_is_told_how_it_would_be_one(call, address, likely):
    result = call("filter", "a.png", "-k", "sobel", "--out-dir", "out", "--cluster", address)
    assert result.code == 2
    said = f"error: --cluster: expected local or the address of a Dask scheduler such as {likely}, found"
    assert result.stderr.startswith(said)


def test_without_dask_its_extra_is_named(call, tmp_path, monkeypatch):
    def missing(name, *rest):
        if name in ("dask", "distributed"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return importlib.import_module(name, *rest)

    (tmp_path / "a.png").write_bytes(b"")
    monkeypatch.setattr("convcli.extras.import_module", missing)
    result = call("filter", "a.png", "-k", "sobel", "--out-dir", "out", "--cluster", "local")
    assert result.code == 1
    needs = "filter --cluster needs the package dask, which is not installed"
    assert result.stderr == f"error: {needs}: pip install 'convcli[dask]'\n"


def test_no_other_filtering_imports_what_a_cluster_needs(tmp_path):
    program = (
        "import sys; from convcli.cli.app import main; sys.argv[1:] = ['filter', 'none.png', '-k', 'sobel']\n"
        "try: main()\n"
        "finally: print({'dask', 'distributed', 'fsspec', 'convcli.cluster'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "set()\n"
