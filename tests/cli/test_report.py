"""`convcli report`: a page and pictures beside the run, whole or not at all."""

from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest

from convcli.data import load_data, open_source
from convcli.files import write_inside
from convcli.runs import checkpoints
from convcli.runs.folder import Run

unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other links")


@pytest.fixture
def mine(trained, tmp_path):
    """Return the name of a run of one's own."""
    return shutil.copytree(trained, tmp_path / "mine").name


@pytest.fixture
def few(monkeypatch):
    """Leave out the pictures, which take a second."""
    monkeypatch.setattr("convcli.render.report.figures", lambda _: {"curves": b"drawn"})


def test_a_report_is_a_page_and_a_picture_of_each_of_its_parts(call, mine, tmp_path):
    result = call("report", mine)
    assert (result.code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("test: accuracy ")
    assert lines[0].endswith(" on 359 images")
    page = (tmp_path / "mine" / "report.html").read_bytes()
    assert page.startswith(b"<!doctype html>")
    assert lines[1:] == [f"mine/report.html  {len(page) / 1000:,.0f} kB", "mine/figures  10 pictures"]
    figures = {path.name for path in (tmp_path / "mine" / "figures").iterdir()}
    names = "summary network curves confusion classes mistakes kernels feature-maps timing environment"
    assert figures == {f"{name}.png" for name in names.split()}


@pytest.mark.usefixtures("few")
def test_its_numbers_are_those_of_evaluate(call, mine):
    told = json.loads(call("report", mine, "--json").stdout)
    figures = json.loads(call("evaluate", mine, "--json").stdout)
    assert {name: told[name] for name in figures} == figures
    assert told["report"] == "mine/report.html"


@pytest.mark.usefixtures("few")
def test_it_links_to_the_network_as_a_page_where_that_lies_beside_it(call, mine, tmp_path):
    link = '<a href="page.html">'
    call("report", mine)
    assert link not in (tmp_path / "mine" / "report.html").read_text()
    call("export", mine, "--to", "page")
    call("report", mine)
    assert link in (tmp_path / "mine" / "report.html").read_text()
    call("report", mine, "--out-dir", "elsewhere")
    assert link not in (tmp_path / "elsewhere" / "report.html").read_text()


@pytest.mark.usefixtures("few")
def test_a_second_report_is_the_same_and_takes_the_place_of_the_first(call, mine, tmp_path):
    call("report", mine)
    path = tmp_path / "mine" / "report.html"
    first = path.read_bytes()
    path.write_bytes(b"old")
    assert call("report", mine).code == 0
    assert path.read_bytes() == first


@pytest.mark.usefixtures("few")
def test_elsewhere_nothing_is_overwritten_unasked(call, mine, tmp_path):
    assert call("report", mine, "--out-dir", "there/it").code == 0
    path = tmp_path / "there" / "it" / "report.html"
    assert path.exists()
    assert not (tmp_path / "mine" / "report.html").exists()
    path.write_bytes(b"mine")
    result = call("report", mine, "--out-dir", "there/it")
    assert result == (1, "", "error: there/it/report.html exists already; use --force to overwrite it.\n")
    assert path.read_bytes() == b"mine"
    assert call("report", mine, "--out-dir", "there/it", "--force").code == 0
    assert path.read_bytes() != b"mine"


@unix
@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("name", ["report.html", "figures", "figures/curves.png"])
@pytest.mark.parametrize("through", [[], ["--out-dir", "mine", "--force"]], ids=["run", "out-dir"])
def test_in_the_runs_folder_no_link_is_followed(call, mine, tmp_path, name, through):
    victim = tmp_path / "victim"
    victim.mkdir()
    for inside in ("report.html", "curves.png"):
        (victim / inside).write_bytes(b"theirs")
    path = tmp_path / mine / name
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(victim if name == "figures" else victim / path.name)
    result = call("report", mine, *through)
    assert (result.code, result.stdout) == (1, "")
    assert f"mine/{name}: expected a f" in result.stderr
    assert "found a symbolic link; remove it" in result.stderr
    assert {file.read_bytes() for file in victim.iterdir()} == {b"theirs"}


@unix
@pytest.mark.usefixtures("few")
def test_a_link_to_a_run_is_its_users_own(call, mine, tmp_path):
    (tmp_path / "latest").symlink_to(mine)
    assert call("report", "latest").code == 0
    assert (tmp_path / mine / "report.html").is_file()


@unix
@pytest.mark.usefixtures("few")
def test_elsewhere_links_are_followed_and_each_picture_is_looked_at(call, mine, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "figures").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "curves.png").write_bytes(b"mine")
    refused = call("report", mine, "--out-dir", "out")
    assert refused.stderr == "error: out/figures/curves.png exists already; use --force to overwrite it.\n"
    assert not (tmp_path / "out" / "report.html").exists()
    assert call("report", mine, "--out-dir", "out", "--force").code == 0
    assert (tmp_path / "a" / "curves.png").read_bytes() == b"drawn"


@pytest.mark.usefixtures("few")
def test_validation_images_are_named_by_their_place_among_the_training_images(call, mine, tmp_path):
    told = json.loads(call("report", mine, "--split", "validation", "--json").stdout)
    file = checkpoints.run_config(Run.open(tmp_path / "mine"))
    source = open_source("digits", base=tmp_path).train
    held = load_data(file.config.data, file.base, file.config.training.seed).validation
    assert told["samples"] == len(held)
    for sample in told["feature_maps"]:
        number = int(sample["image"])
        assert source.classes[source.labels[number]] == sample["true"]
        assert any(np.array_equal(source.images[number], image) for image in held.images)


@pytest.mark.usefixtures("few")
def test_data_that_has_moved_is_said_so_and_can_be_named(call, mine, tmp_path):
    digits = open_source("digits", base=tmp_path)
    np.savez(tmp_path / "moved", images=digits.test.images, labels=digits.test.labels)
    resolved = tmp_path / "mine" / "resolved.toml"
    resolved.write_text(resolved.read_text().replace('"digits"', '"/gone.npz"'))
    result = call("report", mine)
    assert (result.code, result.stdout) == (1, "")
    assert "'/gone.npz' not found" in result.stderr
    assert result.stderr.endswith("If the run's data has moved, say where with --data SOURCE --split test.\n")
    assert not (tmp_path / "mine" / "report.html").exists()
    told = json.loads(call("report", mine, "--data", "moved.npz", "--json").stdout)
    assert (told["samples"], told["data"]) == (359, "moved.npz")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("best.safetensors", None, "no such file. No epoch of this run has ended yet"),
        ("best.safetensors", b"no", "damaged checkpoint ("),
        ("metrics.csv", None, "expected a row for each epoch, found none."),
        ("metrics.csv", b"a,b\n1,2\n", "mine/metrics.csv: "),
        ("environment.json", None, "environment.json: cannot be read (No such file or directory)."),
        ("environment.json", b"[]", "environment.json: damaged"),
        ("resolved.toml", None, "mine: not a run"),
    ],
)
def test_a_run_that_is_not_whole_is_one_error_and_nothing_is_written(
    call, mine, tmp_path, name, content, message
):
    path = tmp_path / "mine" / name
    path.unlink() if content is None else path.write_bytes(content)
    result = call("report", mine)
    assert (result.code, result.stdout) == (1, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "mine" / "figures").exists()
    assert not (tmp_path / "mine" / "report.html").exists()


@pytest.mark.usefixtures("few")
def test_a_place_that_cannot_be_written_is_one_error(call, mine, tmp_path):
    (tmp_path / "file").write_text("")
    result = call("report", mine, "--out-dir", "file")
    assert (result.code, result.stdout) == (1, "")
    assert result.stderr == "error: file/report.html: file is a file, not a folder.\n"


@pytest.mark.usefixtures("few")
def test_the_page_is_written_last_and_as_a_whole(call, mine, monkeypatch):
    written = []

    def write(path, data):
        written.append(path.name)
        write_inside(path, data)

    monkeypatch.setattr("convcli.files.write_inside", write)
    assert call("report", mine).code == 0
    assert written == ["curves.png", "report.html"]


@pytest.mark.usefixtures("few", "quick")
def test_class_names_are_text_on_the_page(call, tmp_path):
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (40, 8, 8)).astype(np.uint8)
    names = ["<script>alert(1)</script>", "b"]
    np.savez(tmp_path / "named", images=pictures, labels=np.arange(40) % 2, classes=names)
    options = ("--set", "data.source=named.npz", "--set", "training.epochs=1", "--run-dir", "run")
    call("train", "quick.toml", *options)
    assert call("report", "run").code == 0
    page = (tmp_path / "run" / "report.html").read_text().replace("<wbr>", "")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; → b" in page or "b → &lt;script&gt;" in page
