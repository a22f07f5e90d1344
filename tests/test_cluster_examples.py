"""The scripts and manifests in examples/cluster name options, images and addresses that there are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    "path", sorted((ROOT / "examples" / "cluster").glob("*.*")), ids=lambda path: path.name
)
def test_an_example_for_a_cluster_says_what_to_change_and_names_options_that_there_are(path):
    text = path.read_text("utf-8")
    assert "# Change: " in text
    reference = (ROOT / "docs" / "cli.md").read_text("utf-8")
    commands = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE))
    for name in ("filter", "train"):
        declared = reference.partition(f"\n## convcli {name}\n")[2].partition("\n## ")[0]
        for line in re.findall(rf'convcli"?\)?"? {name} (.*)', commands):
            for option in re.findall(r"(?<= )--[a-z-]+", line):
                assert f"`{option}" in declared, f"{name} {option}"


@pytest.mark.skipif(not shutil.which("bash") or os.name == "nt", reason="no bash")
def test_scripts_for_clusters_have_no_errors_of_syntax():
    for path in (ROOT / "examples" / "cluster").iterdir():
        if path.suffix in {".sh", ".sbatch"}:
            subprocess.run(["bash", "-n", path], check=True)
            assert os.access(path, os.X_OK)


def test_manifests_for_kubernetes_name_one_image_and_one_scheduler():
    yaml = pytest.importorskip("yaml")
    folder = ROOT / "examples" / "cluster"
    (cluster,) = yaml.safe_load_all((folder / "dask_cluster.yaml").read_text("utf-8"))
    claim, job = yaml.safe_load_all((folder / "filter_job.yaml").read_text("utf-8"))
    parts = [cluster["spec"][part]["spec"] for part in ("worker", "scheduler")]
    pods = [*parts, job["spec"]["template"]["spec"]]
    assert len({pod["containers"][0]["image"] for pod in pods}) == 1
    (address,) = (arg for arg in pods[-1]["containers"][0]["args"] if arg.startswith("--cluster="))
    port = cluster["spec"]["scheduler"]["service"]["ports"][0]["port"]
    assert address == f"--cluster=tcp://{cluster['metadata']['name']}-scheduler:{port}"
    assert pods[-1]["volumes"][0]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
