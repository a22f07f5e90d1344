"""What a caller has set of BLAS, and in the environment, stays, whoever computes how many at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from convcli.engine.blas import held, one_thread_each


def limits():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_who_leaves_last_restores_what_the_first_found():
    with threadpool_limits(2, user_api="blas"):
        first, second = one_thread_each(), one_thread_each()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert held()
        assert set(limits()) == {1}
        second.__exit__(None, None, None)
        assert not held()
        assert set(limits()) == {2}


def test_predicting_in_eight_threads_leaves_blas_alone_and_gives_the_same_digits(trained):
    from convcli import load_run

    model = load_run(trained)
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1), np.uint8)
    expected, results = model.predict(images), []
    with threadpool_limits(2, user_api="blas"):
        threads = [
            threading.Thread(target=lambda: results.extend(model.predict(images) for _ in range(5)))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(limits()) == {2}
    assert len(results) == 40
    assert all(result.tobytes() == expected.tobytes() for result in results)


@pytest.mark.parametrize("value", [None, "FALSE"])
def test_loading_a_run_leaves_the_environment_as_it_was(value, trained):
    program = (
        "import os; before = dict(os.environ); import convcli, numpy\n"
        f"convcli.load_run({str(trained)!r}).predict(numpy.zeros((1, 8, 8, 1), numpy.uint8))\n"
        "assert dict(os.environ) == before, set(os.environ.items()) ^ set(before.items())"
    )
    env = {name: text for name, text in os.environ.items() if name != "KMP_DUPLICATE_LIB_OK"}
    env |= {} if value is None else {"KMP_DUPLICATE_LIB_OK": value}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
