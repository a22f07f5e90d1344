"""A trained network in use: images as read go in, probabilities come out."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import stripes
from convcli.engine.team import Team
from convcli.errors import ConvcliError, ShapeError, TrainingError
from convcli.images import resize
from convcli.nn import workers


@pytest.fixture(scope="module")
def model():
    training = stripes.training(epochs=8, optimizer={"type": "adam", "learning_rate": 0.02})
    for _ in training.run():
        pass
    return training.best_model()


def test_probabilities_are_float32_and_sum_to_1(model):
    p = model.predict(stripes.dataset(20, 5).images)
    assert p.shape == (20, 3)
    assert p.dtype == np.float32
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-6)


def test_it_has_learned_its_task(model):
    pictures = stripes.dataset(60, 5)
    assert (model.predict(pictures.images).argmax(1) == pictures.labels).mean() > 0.95


def test_grey_images_may_lack_their_channel(model):
    images = stripes.dataset(6, 5).images
    np.testing.assert_array_equal(model.predict(images[..., 0]), model.predict(images))


def test_images_of_another_size_are_resized(model):
    large = np.kron(stripes.dataset(4, 5).images, np.ones((1, 3, 2, 1), np.uint8))
    small = np.stack([resize(image, (8, 8)) for image in large])
    np.testing.assert_array_equal(model.predict(large), model.predict(small))


@pytest.fixture
def grown():
    """Return a function that makes a model with weights that training has let grow."""

    def make(size, loss):
        model = stripes.training([{"type": "flatten"}, {"type": "dense"}], loss=loss).model
        model.weights.trained *= np.float32(size)
        return model

    return make


@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error"])
def test_outputs_beyond_float32_are_an_error(grown, loss):
    model, pictures = grown(1e38, loss), stripes.dataset(9, 5)
    for use in (model.predict, model.outputs, lambda images: model.evaluate(images, pictures.labels)):
        with pytest.raises(
            TrainingError, match=r"outputs for \d of 9 images are beyond float32.*learning_rate"
        ):
            use(pictures.images)


def test_a_loss_beyond_float32_is_an_error_though_outputs_are_not(grown):
    model, pictures = grown(1e25, "mean_squared_error"), stripes.dataset(9, 5)
    np.testing.assert_allclose(model.predict(pictures.images).sum(1), 1)
    with pytest.raises(TrainingError, match="loss on these images is beyond float32"):
        model.evaluate(pictures.images, pictures.labels)


def test_no_images_give_no_rows(model):
    assert model.predict(np.zeros((0, 8, 8, 1), np.uint8)).shape == (0, 3)


def test_evaluate_judges_the_outputs(model):
    pictures = stripes.dataset(30, 5)
    figures = model.evaluate(pictures.images, pictures.labels)
    assert figures.accuracy == (model.outputs(pictures.images).argmax(1) == pictures.labels).mean()
    assert figures.classes == model.classes == stripes.CLASSES


@pytest.mark.parametrize(
    ("images", "found"),
    [
        (np.zeros((2, 8, 8, 3), np.uint8), r"not uint8 \(2, 8, 8, 3\)"),
        (np.zeros((2, 9, 9, 3), np.uint8), r"not uint8 \(2, 8, 8, 3\)"),
        (np.zeros((2, 8, 8, 1), np.float32), r"not float32 \(2, 8, 8, 1\)"),
        (np.zeros((8, 8), np.uint8), r"not uint8 \(8, 8\)"),
        (np.zeros((1, 2, 8, 8, 1), np.uint8), r"not uint8"),
    ],
)
def test_images_of_another_kind_are_refused(model, images, found):
    with pytest.raises(
        ShapeError, match=r"must be uint8 \(n, 8, 8, 1\), as the network was trained on, " + found
    ):
        model.predict(images)


needs_fork = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only")


def children():
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def fresh():
    training = stripes.training(epochs=1)
    for _ in training.run():
        pass
    return training.best_model()


@pytest.fixture
def sharing(monkeypatch):
    """Three workers share whatever is in more pieces than one."""
    monkeypatch.setattr(workers, "WORTH_WAKING", 0)
    monkeypatch.setattr(workers, "WORTH_FORKING", 0)
    monkeypatch.setattr(workers, "available_cores", lambda: 3)


IMAGES = stripes.dataset(200, 5).images


@needs_fork
def test_helpers_stay_between_calls_and_end_with_the_model(sharing):
    before, model = children(), fresh()
    expected, helpers = model.predict(IMAGES), children() - before
    assert len(helpers) == 2
    for count in (200, 90, 200):
        np.testing.assert_allclose(model.predict(IMAGES[:count]), expected[:count], rtol=1e-5)
        assert children() - before == helpers
    del model
    assert children() == before


@needs_fork
def test_helpers_see_weights_that_change(sharing):
    model = fresh()
    before = model.outputs(IMAGES)
    model.weights.trained[:] *= 2
    changed = model.outputs(IMAGES)
    assert (changed != before).any(1).all()
    np.testing.assert_array_equal(changed, copy.copy(model).outputs(IMAGES))


@needs_fork
def test_few_images_are_predicted_without_helpers():
    before, model = children(), fresh()
    for _ in range(20):
        model.predict(IMAGES)
    assert children() == before


@needs_fork
def test_helpers_are_forked_when_work_done_alone_would_have_paid_for_them(sharing, monkeypatch):
    before, model = children(), fresh()
    with model.workers() as team:
        work = len(IMAGES) * team._work_of_an_image
    monkeypatch.setattr(workers, "WORTH_FORKING", 3 * work)
    found = []
    for _ in range(4):
        model.predict(IMAGES)
        found.append(len(children() - before))
    assert found == [0, 0, 2, 2]


@needs_fork
def test_a_killed_helper_is_an_error_once(sharing):
    before, model = children(), fresh()
    expected = model.predict(IMAGES)
    os.kill(int(min(children() - before)), signal.SIGKILL)
    with pytest.raises(ConvcliError, match="worker process was killed"):
        model.predict(IMAGES)
    np.testing.assert_array_equal(model.predict(IMAGES), expected)


@needs_fork
def test_an_interruption_leaves_no_helpers_and_the_next_call_works(sharing, monkeypatch):
    before, model = children(), fresh()
    expected = model.predict(IMAGES)

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Team, "run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            model.predict(IMAGES)
    assert children() == before
    np.testing.assert_array_equal(model.predict(IMAGES), expected)


@needs_fork
def test_a_forked_process_has_helpers_of_its_own(sharing):
    model = fresh()
    expected, helpers = model.predict(IMAGES), children()
    process = os.fork()
    if process == 0:
        alike = np.array_equal(model.predict(IMAGES), expected) and len(children()) == 2
        del model
        os._exit(0 if alike and not children() else 1)
    assert os.waitpid(process, 0)[1] == 0
    assert children() == helpers
    np.testing.assert_array_equal(model.predict(IMAGES), expected)


def test_threads_may_predict_at_the_same_time(sharing):
    model = fresh()
    expected = model.predict(IMAGES)
    with ThreadPoolExecutor(6) as pool:
        for found in [*pool.map(lambda _: model.predict(IMAGES), range(30)), model.predict(IMAGES)]:
            np.testing.assert_array_equal(found, expected)


def test_products_outside_keep_their_threads_between_calls(sharing):
    def limits():
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    before, model = limits(), fresh()
    model.predict(IMAGES)
    assert limits() == before


def test_copies_of_a_model_predict_the_same(sharing):
    model = fresh()
    expected = model.predict(IMAGES)
    for other in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict(IMAGES), expected)


SCRIPT = """
import os, signal, sys
from pathlib import Path
import stripes
from convcli.nn import workers
workers.WORTH_WAKING = workers.WORTH_FORKING = 0
workers.available_cores = lambda: 3
model = stripes.training(epochs=1).best_model()
model.predict(stripes.dataset(200, 5).images)
print(Path(f"/proc/self/task/{os.getpid()}/children").read_text(), flush=True)
if sys.argv[1:]:
    os.kill(os.getpid(), signal.SIGKILL)
"""


@needs_fork
@pytest.mark.parametrize("killed", [(), ("killed",)], ids=["at its end", "killed"])
def test_helpers_end_with_the_process(killed):
    script = [sys.executable, "-W", "error", "-c", SCRIPT, *killed]
    # Helpers hold the pipes: `run` returns when the last of them has ended.
    done = subprocess.run(script, cwd=Path(__file__).parents[1], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert len(done.stdout.split()) == 2
    assert not any(Path(f"/proc/{helper}").exists() for helper in done.stdout.split() if not killed)
