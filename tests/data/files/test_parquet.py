"""Tables of images in Parquet, as Hugging Face writes them; what a stranger's table must not do."""

import json
import os
import sys

import numpy as np
import pytest
from support.image_files import encoded, noise, put
from support.sources import source_error

from dcgan_tf.data.sources import open_source

pa = pytest.importorskip("pyarrow", reason="needs the extra parquet")
pq = pytest.importorskip("pyarrow.parquet")

pytestmark = pytest.mark.usefixtures("own_folder")


def row(seed, path=None):
    return {"bytes": encoded(noise(8, 8, seed)), "path": path}


def write(path, rows, labels=None, names=None, column="image", group=3):
    """A table as the `datasets` library writes one: rows of {bytes, path}, labels, their names in the metadata."""
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    fields = [pa.field(column, kind)]
    columns = [pa.array(rows, kind)]
    if labels is not None:
        columns.append(pa.array(labels))
        fields.append(pa.field("label", columns[-1].type))
    features = {column: {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})} if names else None
    pq.write_table(pa.table(columns, schema=pa.schema(fields, metadata)), path, row_group_size=group)


def test_images_and_labels_in_the_order_of_the_rows(tmp_path):
    write("train.parquet", [row(i) for i in range(8)], [1, 0, 1, 1, 0, 1, 0, 0], ["cat", "dog"])
    for options in ({}, {}, {"cache": False}):
        source = open_source("train.parquet", **options)
        assert (source.name, len(source), source.image_shape) == ("train", 8, (8, 8, 3))
        assert source.labels.tolist() == [1, 0, 1, 1, 0, 1, 0, 0] and source.class_names == ["cat", "dog"]
        assert source.names[:2] == ["train/000000", "train/000001"] and source.notes == ["8 images read"]
        order = [7, 0, 4, 4, 2]
        np.testing.assert_array_equal(source.read(order), [noise(8, 8, i) for i in order])


def test_a_folder_and_a_pattern_of_shards(tmp_path):
    os.mkdir("set")
    for shard in range(2):
        write(f"set/train-{shard:05}-of-00002.parquet", [row(3 * shard + i) for i in range(3)], [shard] * 3)
    write("set/test-00000-of-00001.parquet", [row(9)], [0])
    source = open_source("set")
    assert (source.name, len(source), source.labels.tolist()) == ("set", 7, [0, 0, 0, 0, 1, 1, 1])
    source = open_source("set/train-*.parquet")
    assert (source.name, len(source), source.labels.tolist()) == ("set", 6, [0, 0, 0, 1, 1, 1])
    assert source.class_names is None
    np.testing.assert_array_equal(source.read([5])[0], noise(8, 8, 5))


@pytest.mark.parametrize("column", ["img", "scan"])
def test_other_columns_of_images(tmp_path, column):
    write("a.parquet", [row(1)], column=column)
    assert len(open_source("a.parquet")) == 1
    pq.write_table(pa.table({column: [encoded(noise(8, 8, 2))], "note": ["x"]}), "b.parquet")  # bytes alone
    np.testing.assert_array_equal(open_source("b.parquet").read([0])[0], noise(8, 8, 2))


def test_labels_as_words_and_labels_that_are_missing(tmp_path):
    write("a.parquet", [row(i) for i in range(3)], ["dog", "cat", "dog"])
    source = open_source("a.parquet")
    assert source.labels.tolist() == [1, 0, 1] and source.class_names == ["cat", "dog"]
    write("b.parquet", [row(i) for i in range(2)], [1, None])
    assert open_source("b.parquet").labels is None
    write("c.parquet", [row(i) for i in range(2)], [0, 5], ["a", "b"])  # 5 has no name.
    source = open_source("c.parquet")
    assert source.labels.tolist() == [0, 5] and source.class_names is None


def test_paths_lead_to_images_beside_the_table_alone(tmp_path):
    os.mkdir("set")
    put(tmp_path / "secret.png", noise(8, 8, 9))
    put(tmp_path / "set/images/a.png", noise(8, 8, 1))
    os.symlink(tmp_path / "secret.png", "set/link.png")
    paths = ["images/a.png", "../secret.png", str(tmp_path / "secret.png"), "link.png", None]
    write("set/t.parquet", [{"bytes": None, "path": path} for path in paths])
    source = open_source("set/t.parquet")
    assert len(source) == 1
    assert source.notes == [
        "1 image read, 4 skipped: t/000001 (its path leads out of the folder of the table), "
        "t/000002 (its path leads out of the folder of the table), "
        "t/000003 (its path leads out of the folder of the table), ..."
    ]
    np.testing.assert_array_equal(source.read([0])[0], noise(8, 8, 1))


def test_damaged_tables_and_tables_without_images(tmp_path):
    write("a.parquet", [row(i) for i in range(8)])
    whole = (tmp_path / "a.parquet").read_bytes()
    for content in (whole[:200], b"PAR1" + bytes(500) + b"PAR1", whole[:-20] + bytes(16) + b"PAR1"):
        (tmp_path / "a.parquet").write_bytes(content)
        assert source_error("a.parquet").startswith("a.parquet is damaged: copy it again (")
    pq.write_table(pa.table({"x": [1, 2], "y": ["a", "b"]}), "b.parquet")
    assert source_error("b.parquet") == "b.parquet: no column is known to hold images, of x, y: call it 'image'"
    os.mkfifo("c.parquet")
    assert "c.parquet is neither a file nor a folder" in source_error("c.parquet")


def test_rows_that_are_no_images_are_skipped_and_named(tmp_path):
    write("a.parquet", [row(1), {"bytes": b"words", "path": None}, {"bytes": None, "path": None}, None])
    assert open_source("a.parquet").notes == [
        "1 image read, 3 skipped: a/000001 (not a readable JPEG, PNG, WebP, BMP, TIFF, GIF or DICOM image), "
        "a/000002 (no image in this row), a/000003 (no image in this row)"
    ]


def test_without_the_package_one_line_says_how_to_get_it(tmp_path, monkeypatch):
    write("a.parquet", [row(1)])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    error = source_error("a.parquet")
    assert error.startswith("a.parquet: Parquet needs a package: ") and 'install "pyarrow>=' in error
