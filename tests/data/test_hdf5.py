"""HDF5 files of images: which dataset is taken, how it is read, and what is refused."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest
from support.sources import source_error

from dcgan_tf.data import dataset_rows
from dcgan_tf.data.places import find_place
from dcgan_tf.data.sources import open_source

pytestmark = pytest.mark.usefixtures("own_folder")

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 8, 9, 3), dtype=np.uint8)
LABELS = np.arange(40) % 7


def made(fill, name="set.h5", **options):
    """A file that `fill` has filled, or with the arrays of a dict."""
    with h5py.File(name, "w", **options) as file:
        if isinstance(fill, dict):
            for key, array in fill.items():
                file[key] = array
        else:
            fill(file)
    return name


def cached() -> list[Path]:
    return sorted(Path(os.environ["DCGAN_TF_CACHE"]).glob("*.npy"))


# ---- which dataset


@pytest.mark.parametrize("key", ["images", "x_train", "x", "X", "data", "anything", "a/b"])
def test_the_images_and_the_labels_beside_them(key):
    group = key.rpartition("/")[0]
    source = open_source(made({key: IMAGES, f"{group}/labels": LABELS, "names": ["cat", "dog"]}))
    assert (source.name, len(source), source.image_shape) == ("set", 40, (8, 9, 3))
    assert (source.values, source.notes) == ("uint8 0..255", [])
    np.testing.assert_array_equal(source.read([39, 0, 3, 3]), IMAGES[[39, 0, 3, 3]])
    assert source.labels.tolist() == LABELS.tolist() and source.labels.dtype == np.int64


def test_a_usual_name_goes_before_others():
    source = open_source(made({"x_test": IMAGES[:5], "x_train": IMAGES, "y_train": LABELS, "y_test": LABELS[:5]}))
    assert len(source) == 40 and source.labels.tolist() == LABELS.tolist()


def test_a_dataset_and_a_group_by_name():
    path = made({"train/images": IMAGES, "train/labels": LABELS, "test/images": IMAGES[:7], "test/labels": LABELS[:7]})
    assert source_error(path) == (
        "set.h5 holds several sets of images, test/images (uint8 [7, 8, 9, 3]), train/images (uint8 [40, 8, 9, 3]): "
        "give one of them, --data 'set.h5::test/images'"
    )
    source = open_source("set.h5::train/images")
    assert (source.name, len(source), source.labels.tolist()) == ("set-train-images", 40, LABELS.tolist())
    source = open_source("set.h5::test")
    assert (source.name, len(source), source.labels.tolist()) == ("set-test", 7, LABELS[:7].tolist())
    assert find_place("set.h5::train/images").name == "set-train-images"
    assert (
        source_error("set.h5::valid")
        == "set.h5 holds no dataset 'valid', but test/images, test/labels, train/images, ..."
    )


def test_the_labels_of_a_set_are_its_own_counterpart():
    path = made({"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES[:40], "y_test": LABELS[::-1]})
    assert open_source(f"{path}::x_test").labels.tolist() == LABELS[::-1].tolist()


def test_labels_that_do_not_fit():
    source = open_source(made({"images": IMAGES, "labels": LABELS[:-1]}))
    assert source.labels is None
    assert source.notes == ["labels ignored: 'labels' is int64 [39], not one whole number for each image"]
    source = open_source(made({"images": IMAGES, "y": LABELS + 0.5}, "other.h5"))
    assert source.notes == ["labels ignored: 'y' is float64 [40], not one whole number for each image"]
    assert (
        open_source(made({"images": IMAGES, "y": LABELS[:, None] * 1.0}, "third.h5")).labels.tolist() == LABELS.tolist()
    )


def test_labels_that_cannot_be_read_are_left_out_with_a_note():
    def fill(file):
        file["images"] = IMAGES
        labels = file.create_dataset("labels", (40,), "i8", chunks=(40,), compression="gzip")
        labels.id.write_direct_chunk((0,), b"no gzip at all")

    source = open_source(made(fill))
    assert source.labels is None and len(source.notes) == 1
    assert source.notes[0].startswith("labels ignored: dataset 'labels' cannot be read: ")
    with h5py.File("third.h5", "w") as file:
        file["images"] = IMAGES
        file.create_dataset("labels", (40,), "i8")
    source = open_source("third.h5")
    assert source.notes == [
        "labels ignored: dataset 'labels' claims 320 B, and the file holds 0 B of it: "
        "it was never filled to its end; save the images again"
    ]


def test_a_file_whose_own_name_has_the_mark_goes_first():
    shutil.copy(made({"images": IMAGES}), "set.h5::images.h5")
    made({"images": IMAGES[:3], "images.h5": IMAGES[:2]})
    assert len(open_source("set.h5::images.h5")) == 40
    assert len(open_source("set.h5::images.h5::images")) == 40
    os.remove("set.h5::images.h5")
    assert len(open_source("set.h5::images.h5")) == 2


def test_below_data(tmp_path):
    (tmp_path / "data").mkdir()
    made({"a": IMAGES, "b": IMAGES[:4]}, "data/set.h5")
    assert len(open_source("set.h5::b")) == 4


def test_other_files_have_no_parts(tmp_path):
    np.save("set.npy", IMAGES)
    assert source_error("set.npy::x") == "set.npy is no HDF5 or MATLAB file: give it without '::x'"
    (tmp_path / "folder").mkdir()
    assert source_error("folder::x").startswith("--data 'folder::x': no such file or folder")
    os.mkfifo("pipe.h5")
    assert source_error("pipe.h5::x").startswith("pipe.h5 is neither a file nor a folder")


@pytest.mark.parametrize("user_block", [512, 2048])
def test_content_decides_also_after_a_block_of_the_users(user_block):
    path = made({"images": IMAGES}, "set.dat", userblock_size=user_block)
    np.testing.assert_array_equal(open_source(path).read([7]), IMAGES[[7]])


def test_layouts_of_arrays():
    source = open_source(made({"x": IMAGES.transpose(1, 2, 3, 0), "y": LABELS}))
    assert source.notes == ["images-last array: [8, 9, 3, 40] is read as [H, W, C, N]"]
    assert source.labels.tolist() == LABELS.tolist()
    np.testing.assert_array_equal(source.read([39, 2]), IMAGES[[39, 2]])
    source = open_source(made({"x": IMAGES[:, :8, :8, 0].reshape(40, 64), "y": LABELS}))
    assert source.notes == ["flat rows: [40, 64] is read as 8x8 grey"]
    np.testing.assert_array_equal(source.read([39, 2]), IMAGES[[39, 2], :8, :8, :1])


@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "bool", ">u2"])
def test_types(dtype, options):
    images = {"b": IMAGES > 100, "f": IMAGES / 255, "u": IMAGES.astype(np.uint16) * 257}[np.dtype(dtype).kind]
    expected = images * 255 if dtype == "bool" else IMAGES
    path = made(lambda file: file.create_dataset("x", data=images.astype(dtype), **options))
    np.testing.assert_array_equal(open_source(path).read([39, 2]), expected[[39, 2]])


# ---- how it is read


PACKED = [
    {"compression": "gzip", "chunks": (7, 8, 9, 3)},
    {"compression": "gzip", "shuffle": True, "chunks": (16, 4, 3, 1)},
    {"chunks": (7, 4, 9, 3)},
    {"compression": "lzf", "chunks": (40, 1, 1, 1)},
]
PLAIN = [{}, {"chunks": (7, 8, 9, 3)}, {"compression": "gzip", "chunks": (1, 4, 9, 3)}]


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize("options", PACKED + PLAIN)
def test_every_way_of_storing_gives_the_same(options, cache):
    path = made(lambda file: file.create_dataset("x", data=IMAGES, **options))
    source = open_source(path, cache=cache)
    indices = np.random.default_rng(0).integers(0, 40, 100)
    np.testing.assert_array_equal(source.read(indices), IMAGES[indices])
    np.testing.assert_array_equal(source.read(range(40)), IMAGES)
    assert source.read([]).shape == (0, 8, 9, 3)
    assert len(cached()) == (cache and options in PACKED)
    with pytest.raises(IndexError):
        source.read([40])


def test_what_is_packed_is_unpacked_once_and_anew_when_the_file_changes(monkeypatch):
    def fill(images):
        return lambda file: file.create_dataset("x", data=images, chunks=(7, 8, 9, 3), compression="gzip")

    path = made(fill(IMAGES))
    open_source(path)
    with monkeypatch.context() as patch:
        patch.setattr(dataset_rows.DatasetRows, "__getitem__", lambda *_: pytest.fail("it was unpacked again"))
        np.testing.assert_array_equal(open_source(path, size=(4, 4), channels=1).read([0]).shape, (1, 4, 4, 1))
    made(fill(255 - IMAGES))
    os.utime(path, (1, 1))
    np.testing.assert_array_equal(open_source(path).read([3]), 255 - IMAGES[[3]])
    assert len(cached()) == 1


def test_a_batch_reads_each_chunk_once(monkeypatch):
    path = made(lambda file: file.create_dataset("x", data=IMAGES, chunks=(10, 8, 9, 3), compression="gzip"))
    source, reads = open_source(path, cache=False), []
    read = dataset_rows.DatasetRows._read
    monkeypatch.setattr(
        dataset_rows.DatasetRows,
        "_read",
        lambda self, rows, content: reads.append(list(rows)) or read(self, rows, content),
    )
    source.read([39, 1, 12, 3, 11, 1])
    assert reads == [[1, 3], [11, 12], [39]]
    reads.clear()
    source.read(range(5, 25))
    assert reads == [list(range(5, 10)), list(range(10, 20)), list(range(20, 25))]


def test_chunks_of_many_images_are_read_in_bounded_bands(monkeypatch):
    monkeypatch.setattr(dataset_rows, "MAX_BAND_BYTES", 3 * 8 * 9 * 3)
    path = made(lambda file: file.create_dataset("x", data=IMAGES, chunks=(40, 8, 9, 3), compression="gzip"))
    np.testing.assert_array_equal(open_source(path).read(range(40)), IMAGES)
    np.testing.assert_array_equal(open_source(path, cache=False).read([39, 0]), IMAGES[[39, 0]])


def test_reading_from_many_threads():
    source = open_source(made({"x": IMAGES}))
    with ThreadPoolExecutor(8) as pool:
        for i, read in enumerate(pool.map(lambda i: source.read([i, 39 - i]), range(40))):
            np.testing.assert_array_equal(read, IMAGES[[i, 39 - i]])


# ---- what is refused


def virtual(file):
    layout = h5py.VirtualLayout((4, 8, 8), "u1")
    layout[...] = h5py.VirtualSource("private.h5", "w", (4, 8, 8))
    file.create_virtual_dataset("images", layout)


def linked(link):
    return lambda file: file.__setitem__("images", link)


@pytest.mark.parametrize(
    ("fill", "what"),
    [
        (lambda file: file.create_dataset("images", [4, 8, 8], "u1", external=[("private", 0, 256)]),
         "a dataset whose data lie in another file"),
        (virtual, "a virtual dataset, put together from other files"),
        (linked(h5py.ExternalLink("private.h5", "/w")), "a link to another file"),
        (linked(h5py.SoftLink("/elsewhere")), "a soft link"),
    ],
)  # fmt: skip
def test_nothing_of_another_file_is_read(fill, what):
    with open("private", "wb") as file:
        file.write(bytes(range(256)))
    path = made(fill)
    for data in (path, f"{path}::images"):
        assert source_error(data) == (
            f"set.h5 holds {what}, at /images, which is not read: "
            "save the images as a plain dataset, or name one, --data 'set.h5::NAME'"
        )


def test_a_plain_dataset_beside_foreign_ones_by_name():
    def fill(file):
        file["images"] = IMAGES
        file.create_dataset("labels", [40], "u1", external=[("private", 0, 40)])

    source = open_source(made(fill) + "::images")
    assert source.labels is None
    assert source.notes == ["labels ignored: 'labels' is a dataset whose data lie in another file, which is not read"]


def test_a_group_in_itself():
    def fill(file):
        group = file.create_group("g")
        group["g"], group["up"], group["images"] = group, file["/"], IMAGES

    assert len(open_source(made(fill))) == 40


def test_too_many_parts(monkeypatch):
    monkeypatch.setattr("dcgan_tf.data.hdf5.MAX_PARTS", 10)
    path = made({f"d{number}": IMAGES for number in range(20)})
    line = "set.h5 holds over 10 parts: name the dataset of the images, --data 'set.h5::NAME'"
    assert source_error(path) == source_error(f"{path}::nothing") == line
    assert len(open_source(f"{path}::d7")) == 40


@pytest.mark.parametrize("length", [8, 9, 100, 600, 0.5, 0.99])
def test_truncated_files(tmp_path, length):
    whole = Path(made({"images": IMAGES})).read_bytes()
    (tmp_path / "set.h5").write_bytes(whole[: length if length > 1 else int(len(whole) * length)])
    assert source_error("set.h5") == "set.h5 is damaged and cannot be read as HDF5: copy it again"


@pytest.mark.parametrize("cache", [True, False])
def test_a_damaged_chunk(tmp_path, cache):
    def fill(file):
        dataset = file.create_dataset("images", (40, 8, 9, 3), "u1", chunks=(10, 8, 9, 3), compression="gzip")
        for start in (0, 10, 20, 30):
            dataset.id.write_direct_chunk((start, 0, 0, 0), b"no gzip at all, but long enough")

    assert source_error(made(fill), cache=cache).startswith("set.h5, dataset 'images' cannot be read: ")
    assert cached() == []


@pytest.mark.parametrize("options", [{}, {"chunks": (100, 8, 9, 3)}, {"chunks": (100, 8, 9, 3), "compression": "gzip"}])
def test_claims_without_data(options):
    path = made(lambda file: file.create_dataset("images", (2**40, 8, 9, 3), "u1", **options))
    assert source_error(path) == (
        "set.h5, dataset 'images' claims 2.37e+05 GB, and the file holds 0 B of it: "
        "it was never filled to its end; save the images again"
    )


def test_a_dataset_that_is_half_filled():
    def fill(file):
        file.create_dataset("images", (80, 8, 9, 3), "u1", chunks=(10, 8, 9, 3))[:40] = IMAGES

    assert source_error(made(fill)) == (
        "set.h5, dataset 'images' claims 17.3 KB, and the file holds 8.64 KB of it: "
        "it was never filled to its end; save the images again"
    )


def test_a_chunk_that_would_be_unpacked_to_far_more_than_it_may_hold():
    import zlib

    def fill(file):
        dataset = file.create_dataset("images", (10, 8, 8), "u1", chunks=(10, 8, 8), compression="gzip")
        dataset.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(10**7)))

    assert source_error(made(fill)) == (
        "set.h5, dataset 'images' is damaged: a chunk is longer than what it holds; copy the file again"
    )


def test_chunks_that_do_not_fit_into_memory(monkeypatch):
    path = made(lambda file: file.create_dataset("images", data=IMAGES, chunks=(10, 8, 9, 3)))
    monkeypatch.setattr("dcgan_tf.common.memory.free_bytes", lambda: 4319)
    assert source_error(path) == (
        "one chunk of set.h5, dataset 'images' needs 4.32 KB of memory, and 4.32 KB are free: save it with smaller chunks"
    )


def test_an_unknown_filter(monkeypatch):
    path = made(lambda file: file.create_dataset("images", data=IMAGES, compression="gzip"))
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda code: False)
    assert source_error(path) == (
        "set.h5, dataset 'images' is packed with the filter 1 (deflate), which is not known here: pack it with gzip"
    )


@pytest.mark.parametrize(
    ("fill", "named", "line"),
    [
        (
            {"images": ["a", "b"]},
            True,
            ", dataset 'images' holds object, not numbers: images are arrays of numbers [N, H, W, C]",
        ),
        (
            {"images": np.zeros((4, 8, 8), "i4,f4")},
            False,
            " holds no images, only images (void64 [4, 8, 8]): images are arrays of numbers [N, H, W, C]",
        ),
        ({}, False, " holds no images, no arrays at all: images are arrays of numbers [N, H, W, C]"),
        (
            {"images": IMAGES[:0]},
            False,
            " holds no images, only images (uint8 [0, 8, 9, 3]): images are arrays of numbers [N, H, W, C]",
        ),
        (
            {"images": h5py.Empty("u1")},
            True,
            ", dataset 'images' has the shape []: images are [N, H, W], [N, H, W, C] or [N, C, H, W]",
        ),
        (
            {"a\x1b[2J": IMAGES, "b\nc": IMAGES},
            False,
            " holds several sets of images, a\\x1b[2J (uint8 [40, 8, 9, 3]), b\\nc (uint8 [40, 8, 9, 3]): "
            "give one of them, --data 'set.h5::a\\x1b[2J'",
        ),
    ],
)
def test_no_images(fill, named, line):
    assert source_error(made(fill) + "::images" * named) == "set.h5" + line


@pytest.mark.parametrize("attribute", ["model_config", "layer_names", "keras_version"])
def test_a_saved_net(attribute):
    path = made(lambda file: file.attrs.__setitem__(attribute, "x") or file.__setitem__("g/kernel", IMAGES))
    assert source_error(path) == (
        "set.h5 is a saved net of Keras, not a set of images: give a file or a folder of images"
    )


def test_a_file_that_is_being_written(monkeypatch):
    path = made({"images": IMAGES})

    def locked(*args, **options):
        raise BlockingIOError(11, "Unable to synchronously open file (unable to lock file)")

    monkeypatch.setattr(h5py, "File", locked)
    assert source_error(path) == "set.h5 is being written by another program: wait until that is done"
