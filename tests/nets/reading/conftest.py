import contextlib
import io
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from support.helpers import H5

from dcgan_tf.common.console import forget_notes
from dcgan_tf.nets.reading import checkpoint_program
from dcgan_tf.nets.saved import load_net


class OldNets:
    """The nets in tests/h5/old_keras.zip, which README.md there tells of, unpacked into a folder."""

    def __init__(self, folder: Path):
        with zipfile.ZipFile(H5 / "old_keras.zip") as archive:
            archive.extractall(folder)
        self.folder = folder
        self.expected = dict(np.load(folder / "expected.npz"))
        self._loaded = {}

    def path(self, name: str) -> Path:
        return self.folder / name

    def load(self, name: str, part: str | None = None):
        """The net in a file; the same each time."""
        if (name, part) not in self._loaded:
            self._loaded[name, part] = load_net(self.path(name), part)
        return self._loaded[name, part]

    def x(self, net: str) -> list[np.ndarray]:
        """What the net, such as k222_cgan_channel, was given: an array for each input, images [N, H, W, C]."""
        count = sum(key.startswith(f"{net}_x") and key.removeprefix(f"{net}_x").isdigit() for key in self.expected)
        return [self._last(net, self.expected[f"{net}_x{number}"].astype("float32")) for number in range(count)]

    def y(self, net: str, what: str = "y") -> np.ndarray:
        """What it gave for that; what: "g" for what the generator of a whole GAN gave."""
        return self._last(net, self.expected[f"{net}_{what}"])

    def assert_same(self, net, name: str, what: str = "y") -> None:
        """Compares what a net gives here with what it gave there."""
        given = net(self.x(name) if len(net.inputs) > 1 else self.x(name)[0], training=False)
        np.testing.assert_allclose(np.asarray(given), self.y(name, what), rtol=0, atol=1e-5)

    @staticmethod
    def _last(net: str, array: np.ndarray) -> np.ndarray:
        is_first = array.ndim == 4 and ("_channels_first_" in net or "_th_" in net)
        return array.transpose(0, 2, 3, 1) if is_first else array


@pytest.fixture(scope="session")
def old(tmp_path_factory) -> OldNets:
    return OldNets(tmp_path_factory.mktemp("old"))


@pytest.fixture(autouse=True)
def no_notes_before():
    forget_notes()


@pytest.fixture
def checkpoints_here(monkeypatch):
    """Checkpoints are read in this process: to start one of TensorFlow takes seconds."""

    def run(command, **options):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = checkpoint_program.main(*command[-3:])
        return subprocess.CompletedProcess(command, code, out.getvalue(), "")

    monkeypatch.setattr(subprocess, "run", run)
