"""Images of TFRecord files, read one by one: of another shape than stored, and damaged or gone while they are read."""

import os
from pathlib import Path

import numpy as np
import pytest
from support import helpers

from dcgan_tf.config.commands import PrepareConfig
from dcgan_tf.data.prepare import prepare
from dcgan_tf.data.sources import open_source

pytestmark = pytest.mark.usefixtures("own_folder")


def test_another_shape_than_prepared(colours):
    prepare(PrepareConfig("colours.npz", out="set", shards=3))
    source, before = (open_source(data, size=(12, 12), channels=1) for data in ("set", "colours.npz"))
    assert source.notes == before.notes[::-1] == ["resized from 6x5 to 12x12", "colour turned to grey"]
    assert source.fingerprint == before.fingerprint


def change(path, position, content):
    with open(path, "r+b") as file:
        file.seek(position)
        file.write(content)


def test_a_flipped_bit_never_gives_wrong_pixels(colours):
    prepare(PrepareConfig("colours.npz", out="set", shards=2))
    source = open_source("set")
    content = Path("set/train-00001-of-00002.tfrecord").read_bytes()
    at = content.index(colours[0][13].tobytes()) + 30
    change("set/train-00001-of-00002.tfrecord", at, bytes([content[at] ^ 1]))
    line = "set/train-00001-of-00002.tfrecord: image 2 is damaged, its checksum is wrong: copy the file again"
    assert helpers.error_of(source.read, [0, 13]) == line
    np.testing.assert_array_equal(source.read([12, 14]), colours[0][[12, 14]])


def test_a_shard_cut_short_or_gone_while_it_is_read(colours):
    prepare(PrepareConfig("colours.npz", out="set", shards=1))
    source = open_source("set")
    os.truncate("set/train-00000-of-00001.tfrecord", 400)
    assert helpers.error_of(source.read, [20]) == (
        "set/train-00000-of-00001.tfrecord is shorter than its index says: it is truncated, copy it again"
    )
    os.unlink("set/train-00000-of-00001.tfrecord")
    assert helpers.error_of(source.read, [0]) == "set/train-00000-of-00001.tfrecord cannot be read: no such file"
