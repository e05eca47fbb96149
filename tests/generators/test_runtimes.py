import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support import small_nets

from dcgan_tf.export.savedmodel import SavedModelWriter
from dcgan_tf.generators import runtimes


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A SavedModel."""
    path = tmp_path_factory.mktemp("saved") / "7"
    SavedModelWriter(small_nets.generator(), "uniform").write(path)
    return path


def test_the_other_process_has_neither_keras_nor_this_package(folder):
    program = (
        "import sys; sys.modules.update(keras=None, dcgan_tf=None); sys.argv[1:] = []\n"
        f"sys.path.insert(0, {str(Path(runtimes.__file__).parent)!r})\n"
        "import numpy, runtimes\n"
        f"net = runtimes.SavedModel({str(folder)!r})\n"
        "print(net.run('generate', {'seeds': [1, 2]})['images'].shape)\n"
    )
    printed = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed == "(2, 8, 8, 3)\n"


def test_both_loaders_of_tensorflow_make_the_same_pictures(folder):
    latents = np.random.default_rng(0).uniform(-1, 1, [3, 6]).astype(np.float32)
    by_loader = [net(latents) for net in (runtimes.SavedModel(str(folder)), runtimes.SavedModelSession(str(folder)))]
    assert by_loader[0].shape == (3, 8, 8, 3) and by_loader[0].dtype == np.uint8
    assert np.abs(np.subtract(*by_loader, dtype=int)).max() <= 1


@pytest.mark.parametrize("shape", [[None], [None, None], [None, 6, 1], [None, 0]])
def test_an_input_that_is_no_row_of_latents_is_refused(shape):
    with pytest.raises(ValueError, match="^its input is of shape .*, not a row of latents for each image$"):
        runtimes._latent_dim(shape)


@pytest.mark.parametrize(
    "seconds, calls, milliseconds",
    [([0.5, 0.03, 0.01, 0.02], 4, 20), ([1.5, 1.25], 2, 1250)],
)
def test_the_time_of_a_call_is_the_median_after_a_first(monkeypatch, seconds, calls, milliseconds):
    clock, done = [0.0], []

    def call():
        clock[0] += seconds[len(done)]
        done.append(1)

    monkeypatch.setattr(runtimes.time, "perf_counter", lambda: clock[0])
    assert runtimes._milliseconds(call) == pytest.approx(milliseconds)
    assert len(done) == calls
