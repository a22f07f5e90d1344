"""What `import convcli` offers, and that it costs nothing until it is used."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

import convcli

CONTRACT = {
    "conv2d",
    "conv2d_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "avg_pool2d",
    "avg_pool2d_backward",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_backward",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_backward",
    "explain",
    "Explanation",
    "Classifier",
    "Model",
    "Network",
    "filter2d",
    "filter_image",
    "kernel",
    "kernel_names",
    "output_size",
    "load_run",
}


def test_everything_in_the_contract_is_public():
    assert set(convcli.__all__) >= CONTRACT
    assert dir(convcli) == sorted(convcli.__all__)


@pytest.mark.parametrize("name", sorted(set(convcli.__all__) - {"__version__"}))
def test_every_public_name_is_there_and_documented(name):
    found = getattr(convcli, name)
    assert found.__name__ == name
    assert found.__doc__


def test_all_names_can_be_taken_where_scikit_learn_is_not():
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "from convcli import *\n"
        "import convcli, inspect\n"
        "print('Classifier' in dir(), 'Classifier' in dict(inspect.getmembers(convcli)), load_run.__name__)\n"
        "try:\n    from convcli import Classifier\n"
        "except convcli.ConvcliError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    listed, refused = done.stdout.splitlines()
    assert listed == "False False load_run"
    assert refused.endswith("pip install 'convcli[sklearn]'")


def test_the_version_is_the_packages():
    assert convcli.__version__ == version("convcli")


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'convcli' has no attribute 'conv3d'"):
        _ = convcli.conv3d


def test_importing_loads_nothing_until_it_is_used():
    code = "import convcli, sys; print(sorted(name for name in sys.modules if name.startswith('convcli')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout == "['convcli']\n"
