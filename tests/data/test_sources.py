"""open_source: what a name means, and named sets."""

import gzip
import os
import subprocess
import sys

import numpy as np
import pytest
from support.idx import idx_bytes
from support.sources import source_error

from dcgan_tf.data.source import ImageSource
from dcgan_tf.data.sources import open_source

GIVE = (
    "a folder, a .zip or .tar archive or a list (@FILE) of images, a .npy, .npz, HDF5, MATLAB, CSV, IDX, Parquet or "
    "TFRecord file"
)
pytestmark = pytest.mark.usefixtures("own_folder")


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


# ---- what a name means


def test_as_given_then_below_data_then_named(tmp_path):
    (tmp_path / "data").mkdir()
    np.save("data/set.npy", noise(3, 5, 5))
    assert len(open_source("set.npy")) == 3
    np.save("set.npy", noise(4, 5, 5))
    assert len(open_source("set.npy")) == 4
    assert len(open_source("digits")) == 1797
    np.save("data/digits", noise(5, 5, 5))
    (tmp_path / "data/digits.npy").rename("data/digits")
    assert len(open_source("digits")) == 5


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        ("painting200.npy", "; did you mean 'paints200.npy'?"),
        ("fashion-mnist", "; did you mean 'fashion_mnist'?"),
        ("digit", "; did you mean 'digits'?"),
        ("/nowhere/at/all", ""),
        ("", ""),
        ("a\0b", ""),
        ("x" * 5000, ""),
        ("two\nlines", ""),
    ],
)
def test_nothing_of_that_name(tmp_path, data, hint):
    (tmp_path / "data").mkdir()
    np.save("data/paints200.npy", noise(3, 5, 5))
    shown = data.replace("\n", "\\n").replace("\0", "\\x00")
    assert source_error(data) == (
        f"--data '{shown}': no such file or folder, not here and not in data/, "
        f"nor one of the named sets digits, mnist, fashion_mnist, cifar10{hint}"
    )


def test_files_that_are_no_images(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    assert source_error("notes.txt") == "notes.txt is a text: if it lists images, give @notes.txt"
    (tmp_path / "notes.txt").rename(tmp_path / "notes.md")
    assert source_error("notes.md") == f"notes.md is not a set of images that can be read: give {GIVE}"
    (tmp_path / "empty.npy").touch()
    assert source_error("empty.npy") == "empty.npy is empty: copy or download it again"
    assert source_error("/dev/null") == f"/dev/null is neither a file nor a folder: give {GIVE}"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path):
    np.save("set.npy", noise(3, 5, 5))
    os.chmod("set.npy", 0)
    assert source_error("set.npy") == "set.npy cannot be read: permission denied"


def test_permission_denied_is_one_line(monkeypatch):
    np.save("set.npy", noise(3, 5, 5))

    def refuse(path, *args):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("dcgan_tf.data.sources._file_source", refuse)
    assert source_error("set.npy") == "set.npy cannot be read: permission denied"


def test_names_for_run_folders(tmp_path):
    (tmp_path / "my.set").mkdir()
    np.save("my.set/a.b.npy", noise(3, 5, 5))
    assert open_source("my.set/a.b.npy").name == "a.b"
    (tmp_path / "my.set/train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(noise(3, 5, 5))))
    assert open_source("my.set").name == "my.set"
    assert open_source("my.set/.").name == "my.set"
    assert open_source("my.set/train-images-idx3-ubyte.gz").name == "train-images-idx3-ubyte"


def test_no_tensorflow_is_imported(tmp_path):
    np.save(tmp_path / "set.npy", noise(3, 5, 5))
    code = (
        "import sys; from dcgan_tf.data.sources import open_source; open_source('set.npy').read([0]);"
        "assert not {'tensorflow', 'keras', 'sklearn'} & set(sys.modules)"
    )
    path = os.pathsep.join(p for p in sys.path if p)
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONPATH": path})


# ---- named sets


def test_digits():
    source = open_source("digits")
    assert (source.name, len(source), source.image_shape) == ("digits", 1797, (8, 8, 1))
    assert source.labels[:10].tolist() == list(range(10))
    # scikit-learn documents the first row of the first digit: 0 0 5 13 9 1 0 0, of 16.
    assert source.read([0])[0, 0, :, 0].tolist() == [0, 0, 80, 207, 143, 16, 0, 0]
    assert open_source("digits", size=(28, 28), channels=3).image_shape == (28, 28, 3)


def keras_set(monkeypatch, name, load_data):
    keras = pytest.importorskip("keras")
    monkeypatch.setattr(getattr(keras.datasets, name), "load_data", load_data)


def test_a_downloaded_set(monkeypatch):
    images, labels = noise(6, 32, 32, 3), np.arange(6)[:, None]
    keras_set(monkeypatch, "cifar10", lambda: ((images, labels), (images[:1], labels[:1])))
    source = open_source("cifar10")
    assert source.image_shape == (32, 32, 3) and source.labels.tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(source.read([4]), images[[4]])


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_offline_is_one_line(monkeypatch, name):
    def load_data():
        raise RuntimeError("URL fetch failure on https://x.org/y.gz: None -- [Errno -2] Name or service not known")

    keras_set(monkeypatch, name, load_data)
    assert source_error(name) == (
        f"--data {name} has to be downloaded once, and the download failed ([Errno -2] Name or service not known): "
        "go online, or use --data digits, which needs no download"
    )


def test_offline_through_keras_itself(tmp_path, monkeypatch):
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path / "keras"))
    monkeypatch.setattr("urllib.request._opener", None)  # It would keep the proxies of an earlier download.
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    assert source_error("mnist") == (
        "--data mnist has to be downloaded once, and the download failed ([Errno 111] Connection refused): "
        "go online, or use --data digits, which needs no download"
    )


@pytest.mark.parametrize("failure", [ConnectionResetError("reset by peer"), TimeoutError("timed out")])
def test_a_broken_connection_is_one_line(monkeypatch, failure):
    def load_data():
        raise failure

    keras_set(monkeypatch, "mnist", load_data)
    assert f"the download failed ({failure})" in source_error("mnist")


def test_a_damaged_download_names_what_to_delete(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))

    def load_data():
        raise EOFError("Compressed file ended")

    keras_set(monkeypatch, "fashion_mnist", load_data)
    assert source_error("fashion_mnist") == (
        f"--data fashion_mnist: the downloaded copy cannot be read: delete {tmp_path}/keras/datasets/fashion-mnist "
        "and run the same command again, or use --data digits, which needs no download"
    )


def test_kept_fashion_mnist_cut_short_through_keras_itself(tmp_path, monkeypatch):
    """Keras keeps that set without a checksum: a file cut short comes back as it is."""
    keras = pytest.importorskip("keras")
    monkeypatch.setattr(keras.src.utils.file_utils.config, "keras_home", lambda: str(tmp_path / "keras"))
    kept = tmp_path / "keras/datasets/fashion-mnist"
    kept.mkdir(parents=True)
    for part in ("train-labels-idx1", "train-images-idx3", "t10k-labels-idx1", "t10k-images-idx3"):
        whole = gzip.compress(idx_bytes(noise(50, 28, 28)))
        (kept / f"{part}-ubyte.gz").write_bytes(whole[: len(whole) // 2])
    assert "the downloaded copy cannot be read: delete " in source_error("fashion_mnist")


# ---- real sets


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_original_files(real_data, name):
    source = open_source(str(real_data / name))
    assert len(source) == 60_000 and source.image_shape == (28, 28, 1)
    assert np.bincount(source.labels).tolist()[:3] == ([5923, 6742, 5958] if name == "mnist" else [6000] * 3)
    # These are the means that programs commonly normalize the two sets with.
    mean = source.read(np.arange(60_000)).mean() / 255
    assert mean == pytest.approx(0.1307 if name == "mnist" else 0.2860, abs=1e-4)


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.h5", "a.mat", "a.csv", "a.tfrecord", "a"])
def test_a_pipe_is_one_line_at_once(own_folder, name):
    os.mkfifo(name)
    assert source_error(name) == f"{name} is neither a file nor a folder: give {GIVE}"


def test_a_pattern_of_pipes_and_of_broken_links(own_folder):
    os.mkfifo("a.tfrecord")
    assert source_error("*.tfrecord") == "a.tfrecord cannot be read: not a regular file"
    os.unlink("a.tfrecord")
    os.symlink("nowhere", "a.tfrecord")
    assert source_error("*.tfrecord") == "a.tfrecord cannot be read: no such file"


def test_notes_and_class_names_print_as_they_are():
    source = ImageSource("x", (1, 1, 1), 1, len, "", class_names=["a\x1b[2J"], notes=["one\ntwo"])
    assert (source.class_names, source.notes) == (["a\\x1b[2J"], ["one\\ntwo"])
