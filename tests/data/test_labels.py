"""Every image keeps its own label, whatever it comes from and however it is asked for: each shows which class it is of."""

import collections
import json
import tarfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from support.idx import idx_bytes
from support.image_files import encoded, put
from support.records import write_records

from dcgan_tf.config.commands import PrepareConfig
from dcgan_tf.config.order import Order
from dcgan_tf.config.reading import AS_STORED, Reading
from dcgan_tf.data.pipeline import batches
from dcgan_tf.data.prepare import prepare
from dcgan_tf.data.sources import open_source

pytestmark = pytest.mark.usefixtures("own_folder")

NAMES, NUMBERS = ("cat", "dog", "owl"), ("0", "1", "2")
LABELS = [2, 0, 1, 0, 2, 1, 0, 0, 1, 2]
LEVELS_A_CLASS = 80
# Image i is grey, of the level 80 times its class plus i.
IMAGES = np.array([LEVELS_A_CLASS * label + i for i, label in enumerate(LABELS)], np.uint8)[:, None, None] + np.zeros(
    (10, 8, 8), np.uint8
)
FILES = {f"{NAMES[label]}/{i}.png": encoded(IMAGES[i]) for i, label in enumerate(LABELS)}


def folder(name="set") -> str:
    for path, content in FILES.items():
        path = Path(name, path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return name


def listed() -> str:
    folder("elsewhere/set")
    Path("clean.txt").write_text("".join(f"elsewhere/set/{name}\n" for name in FILES))
    return "@clean.txt"


def zipped(name="set.zip", files=FILES) -> str:
    with zipfile.ZipFile(name, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return name


def of_stylegan() -> str:
    """Its folders are no classes: each holds a thousand images."""
    names = [f"0000{i // 5}/img{i:08}.png" for i in range(10)]
    labels = json.dumps({"labels": [list(pair) for pair in zip(names, LABELS)]}).encode()
    return zipped(files=dict(zip(names, map(encoded, IMAGES))) | {"dataset.json": labels})


def tarred() -> str:
    with tarfile.open("set.tar.gz", "w:gz") as archive:
        archive.add(folder())
    return "set.tar.gz"


def table(labels, names=None, file="set.parquet", rows=slice(None)) -> str:
    pa = pytest.importorskip("pyarrow", reason="needs the extra parquet")
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    images = pa.array([{"bytes": encoded(image), "path": None} for image in IMAGES[rows]], kind)
    made = pa.table({"image": images, "label": pa.array(labels[rows])})
    if names:
        features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
        made = made.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pytest.importorskip("pyarrow.parquet").write_table(made, file, row_group_size=3)
    return file


def tables() -> str:
    for number, rows in enumerate([slice(0, 4), slice(4, 10)]):
        table(LABELS, [*NAMES], f"set-{number}.parquet", rows)
    return "set-*.parquet"


def npz() -> str:
    np.savez("set.npz", images=IMAGES, labels=LABELS)
    return "set.npz"


def hdf5() -> str:
    with h5py.File("set.h5", "w") as file:
        file["train/images"], file["train/labels"] = IMAGES, np.array(LABELS)[:, None]
    return "set.h5"


def matlab_5() -> str:
    io = pytest.importorskip("scipy.io")
    io.savemat("set.mat", {"X": np.moveaxis(IMAGES[..., None], 0, -1), "y": np.array(LABELS, float)})
    return "set.mat"


def matlab_7_3() -> str:
    with h5py.File("set.mat", "w", userblock_size=512) as file:
        for name, array, kind in (("X", IMAGES, "uint8"), ("y", np.array(LABELS, float)[:, None], "double")):
            file.create_dataset(name, data=array.T).attrs["MATLAB_class"] = np.bytes_(kind)
    with open("set.mat", "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM")
    return "set.mat"


def csv() -> str:
    rows = np.column_stack([LABELS, IMAGES.reshape(10, 64)]).tolist()
    names = ["label", *(f"pixel{i}" for i in range(64))]
    Path("set.csv").write_text("".join(",".join(map(str, row)) + "\n" for row in [names, *rows]))
    return "set.csv"


def idx() -> str:
    Path("set").mkdir()
    Path("set/train-images-idx3-ubyte").write_bytes(idx_bytes(IMAGES))
    Path("set/train-labels-idx1-ubyte").write_bytes(idx_bytes(np.array(LABELS, np.uint8)))
    return "set"


def records() -> str:
    for shard, places in enumerate([range(4), range(4, 10)]):
        write_records(f"set-{shard}.tfrecord", [{"image": encoded(IMAGES[i]), "label": LABELS[i]} for i in places])
    return "set-*.tfrecord"


def prepared() -> str:
    assert prepare(PrepareConfig(folder("from"), out="set", shards=3)) == 0
    return "set"


def prepared_by_pattern() -> str:
    return f"{prepared()}/train-*.tfrecord"


# What makes a set of these images in the current folder, and how its classes are called.
SETS = {
    "folder": (folder, NAMES),
    "list": (listed, NAMES),
    "zip": (zipped, NAMES),
    "tar": (tarred, NAMES),
    "StyleGAN's zip": (of_stylegan, NUMBERS),
    "Parquet, numbers": (lambda: table(LABELS), NUMBERS),
    "Parquet, numbers with names": (lambda: table(LABELS, [*NAMES]), NAMES),
    "Parquet, words": (lambda: table([NAMES[label] for label in LABELS]), NAMES),
    "Parquet, several": (tables, NAMES),
    "npz": (npz, NUMBERS),
    "HDF5": (hdf5, NUMBERS),
    "MATLAB 5": (matlab_5, NUMBERS),
    "MATLAB 7.3": (matlab_7_3, NUMBERS),
    "CSV": (csv, NUMBERS),
    "IDX": (idx, NUMBERS),
    "TFRecord": (records, NUMBERS),
    "prepared": (prepared, NAMES),
    "prepared, by pattern": (prepared_by_pattern, NAMES),
}


def shown(images) -> list[int]:
    """The classes that images show, float32 [N, H, W, C] in -1..1 or uint8."""
    levels = np.asarray(images)[:, 0, 0, 0]
    levels = levels if levels.dtype == np.uint8 else np.rint((levels + 1) * 127.5).astype(int)
    return (levels // LEVELS_A_CLASS).tolist()


def labels_in(source, order, names, workers=1):
    """How often each class comes in two epochs; every label is compared with what its image shows."""
    counts = collections.Counter()
    for worker in range(workers):
        steps = 2 * order.steps_per_epoch
        for _, images, labels in batches(source, order, 0, steps, worker, workers, labelled=True):
            assert labels.dtype == "int32" and labels.shape == images.shape[:1]
            called = [source.classes.names[label] for label in labels.numpy()]
            assert called == [names[number] for number in shown(images)]
            counts.update(called)
    return counts


@pytest.mark.parametrize("name", SETS)
def test_labels_travel_with_the_images(name):
    make, names = SETS[name]
    data = make()
    for cache in (True, False):
        source = open_source(data, cache=cache)
        classes = source.classes
        assert classes.names == names and classes.counts.tolist() == [4, 3, 3] and classes.shares == (0.4, 0.3, 0.3)
        assert [names[number] for number in shown(source.read(range(10)))] == [names[i] for i in classes.numbers]
    assert labels_in(source, Order(10, 4, False, seed=3), names, workers=2) == dict(zip(names, [8, 6, 6]))
    balanced = labels_in(source, Order(10, 4, False, seed=3, balanced=True), names)
    assert sorted(balanced.values()) == [6, 7, 7]


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_named_sets(monkeypatch, name):
    labels = np.array(LABELS)  # Keras has those of CIFAR-10 in one column.
    loaded = (IMAGES, labels[:, None] if name == "cifar10" else labels)
    monkeypatch.setattr("dcgan_tf.data.named_sets._download", lambda asked: loaded)
    source = open_source(name)
    assert labels_in(source, Order(10, 4, False, seed=3), NUMBERS) == {"0": 8, "1": 6, "2": 6}


@pytest.mark.parametrize("name", ["folder", "tar", "Parquet, words", "npz", "TFRecord", "prepared"])
def test_some_classes_alone(name):
    make, names = SETS[name]
    source = open_source(make(), reading=Reading(classes=(names[2], names[0])))
    assert source.classes.names == (names[0], names[2]) and source.classes.counts.tolist() == [4, 3]
    assert labels_in(source, Order(7, 3, True, seed=1), names).total() == 12


def test_without_duplicates():
    np.savez("set.npz", images=np.concatenate([IMAGES, IMAGES[::-1]]), labels=LABELS + [9] * 10)
    for i, label in enumerate(LABELS):
        put(Path("set", NAMES[label], f"{i}.png"), IMAGES[i])
        put(Path("set", NAMES[label], f"{i}_again.bmp"), IMAGES[i])
    for data, names in (("set.npz", NUMBERS), ("set", NAMES)):
        source = open_source(data, reading=Reading(drop_duplicates=True))
        assert source.classes.names == names and source.classes.counts.tolist() == [4, 3, 3]
        assert labels_in(source, Order(10, 5, False, 0), names) == dict(zip(names, [8, 6, 6]))


def test_all_frames_have_the_class_of_their_file():
    for number, name in enumerate(NAMES):
        frames = [Image.fromarray(image) for image, label in zip(IMAGES, LABELS) if label == number]
        Path("set", name).mkdir(parents=True)
        frames[0].save(f"set/{name}/scan.tiff", save_all=True, append_images=frames[1:])
    assert open_source("set").classes.counts.tolist() == [1, 1, 1]
    for data in ("set", zipped(files={path.as_posix(): path.read_bytes() for path in Path("set").rglob("*.tiff")})):
        source = open_source(data, reading=Reading(frames="all"))
        assert source.classes.counts.tolist() == [4, 3, 3]
        assert labels_in(source, Order(10, 4, False, seed=3), NAMES) == {"cat": 8, "dog": 6, "owl": 6}


@pytest.mark.parametrize("name", ["folder", "npz", "prepared"])
def test_random_crops(name):
    make, names = SETS[name]
    source = open_source(make(), size=(8, 5), reading=Reading(crop="random"))
    assert source.is_cut and source.image_shape == (8, 5, 1)
    assert labels_in(source, Order(10, 4, False, seed=3), names).total() == 20


def test_a_prepared_set_keeps_names_of_classes_without_images():
    table([min(label, 1) * 2 for label in LABELS], [*NAMES])
    assert prepare(PrepareConfig("set.parquet", out="set", shards=1)) == 0
    for data in ("set.parquet", "set"):
        source = open_source(data)
        assert source.class_names == [*NAMES] and source.classes.names == ("cat", "owl")
        assert source.classes.numbers.tolist() == [min(label, 1) for label in LABELS]


# ---- why there are none


def without_one_label():
    labels = json.dumps({"labels": [["a/0.png", 1]]}).encode()
    return zipped(files={"a/0.png": FILES["cat/1.png"], "b/1.png": FILES["cat/3.png"], "dataset.json": labels})


def without_a_column():
    pq = pytest.importorskip("pyarrow.parquet", reason="needs the extra parquet")
    tables()
    pq.write_table(pq.read_table("set-1.parquet").drop_columns("label"), "set-1.parquet")
    return "set-*.parquet"


def some_records():
    write_records("set.tfrecord", [{"image": encoded(IMAGES[i])} | ({"label": 1} if i < 7 else {}) for i in range(10)])
    return "set.tfrecord"


WHY = {
    "an image beside the folders": (
        lambda: (put(Path(folder(), "stray.png"), IMAGES[0]), "set")[1],
        "stray.png lies in none of the folders",
    ),
    "dataset.json leaves one out": (without_one_label, "dataset.json has none of b/1.png"),
    "a row without": (
        lambda: table([*LABELS[:9], None]),
        "set/000009 has none that is a whole number of 0 or more, or a word",
    ),
    "a row below 0": (
        lambda: table([-1, *LABELS[1:]]),
        "set/000000 has none that is a whole number of 0 or more, or a word",
    ),
    "a table without": (without_a_column, "set-1.parquet has no column of them, as other tables have"),
    "some records": (some_records, "3 of 10 records have none"),
}


@pytest.mark.parametrize("name", WHY)
def test_a_note_says_why_there_are_none(name):
    make, why = WHY[name]
    source = open_source(make())
    assert source.labels is None and source.classes is None
    assert source.no_classes == f"labels ignored: {why}" and source.no_classes in source.notes


def test_nothing_is_said_where_nothing_looks_like_classes():
    put(Path("plain/a.png"), IMAGES[0])
    put(Path("plain/b.png"), IMAGES[1])
    put(Path("nested/a.png"), IMAGES[0])
    put(Path("nested/more/b.png"), IMAGES[1])
    np.save("set.npy", IMAGES)
    write_records("set.tfrecord", [{"image": encoded(image)} for image in IMAGES])
    for data in ("plain", "nested", "set.npy", "set.tfrecord"):
        assert open_source(data, reading=AS_STORED).no_classes == ""
