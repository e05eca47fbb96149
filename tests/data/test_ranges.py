"""Which stored values mean black and white: bits of sensors, and ranges that are hardly used."""

import numpy as np
import pytest
from support.sources import source_error

from dcgan_tf.common.program import program
from dcgan_tf.data.ranges import bits_of, range_flag
from dcgan_tf.data.sources import open_source

pytestmark = pytest.mark.usefixtures("own_folder")


def saved(dtype, *values):
    """set.npy: three images of 5x5; the first has the least value, the last of them the others in its corner."""
    images = np.full((3, 5, 5), values[0], dtype)
    images[2, 0, : len(values)] = values
    np.save("set.npy", images)
    return "set.npy"


@pytest.mark.parametrize("dtype", ["uint16", "int32", "uint32", ">u2", "int64"])
@pytest.mark.parametrize(
    ("most", "high", "bits"),
    [
        (512, 1023, 10),
        (1023, 1023, 10),
        (2048, 4095, 12),
        (4095, 4095, 12),
        (8192, 16383, 14),
        (16383, 16383, 14),
        (32768, 65535, 16),
        (65535, 65535, 16),
    ],
)
def test_whole_numbers_that_end_where_a_sensor_does(dtype, most, high, bits):
    source = open_source(saved(dtype, 0, most, high // 2))
    assert source.values == f"{np.dtype(dtype).name} 0..{high} ({bits} bits)"
    assert source.read([2])[0, 0, :3, 0].tolist() == [0, round(most / high * 255), 127]


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("uint16", (0, 255)),
        ("uint16", (0, 511)),
        ("uint16", (0, 1024)),
        ("uint16", (0, 2047)),
        ("uint16", (0, 4096)),
        ("uint16", (0, 16384)),
        ("uint16", (0, 32767)),
        ("int16", (-1, 4095)),
        ("int32", (0, 65536)),
    ],
)
def test_other_whole_numbers_are_not_clear(dtype, values):
    assert source_error(saved(dtype, *values)) == (
        f"set.npy: the value range is not clear ({dtype}, {values[0]:g} to {values[1]:g} seen): "
        "give --value-range LO HI, the values that mean black and white"
    )


def test_a_given_range_overrules_the_bits():
    source = open_source(saved("uint16", 0, 4095, 2000), value_range=(0, 2000))
    assert source.values == "uint16 0..2000 (given)"
    assert source.read([2])[0, 0, :3, 0].tolist() == [0, 255, 255]


def test_every_image_of_wide_whole_numbers_is_looked_at(monkeypatch):
    monkeypatch.setattr("dcgan_tf.data.ranges.MAX_SAMPLE_IMAGES", 2)
    monkeypatch.setattr("dcgan_tf.data.ranges.READ_CHUNK_BYTES", 7 * 50)
    images = np.full((50, 5, 5), 4095, np.uint16)
    images[31, 2, 2] = 5000
    np.save("set.npy", images)
    assert "is not clear (uint16, 4095 to 5000 seen)" in source_error("set.npy")


@pytest.mark.parametrize(
    ("dtype", "values", "note"),
    [
        ("uint8", (100, 140), "100 to 140 of 0..255: --value-range 100 140"),
        ("uint8", (0, 63), "0 to 63 of 0..255: --value-range 0 63"),
        ("uint8", (0, 64), None),
        ("float32", (0.5, 0.6875), "0.5 to 0.6875 of 0..1: --value-range 0.5 0.6875"),
        ("float32", (0, 0.5), None),
        ("float32", (100, 150), "100 to 150 of 0..255: --value-range 100 150"),
        ("uint16", (4000, 4095), "4000 to 4095 of 0..4095: --value-range 4000 4095"),
        ("int32", (200, 255), "200 to 255 of 0..255: --value-range 200 255"),
        ("int8", (-100, 28), None),
    ],
)
def test_a_range_that_is_hardly_used_is_noted(dtype, values, note):
    source = open_source(saved(dtype, *values))
    tail = f"gives them all contrast, {program()} inspect shows them as they are"
    assert source.notes == ([f"the values use only {note} {tail}"] if note else [])
    used = note and tuple(
        map(float, note.replace("..", " ").replace(":", " ").replace("to ", "").replace("of ", "").split()[:4])
    )
    assert source.hardly_used == used


def test_the_flag_of_a_range():
    assert (
        range_flag(1_234_567, 4095.0) == "--value-range 1234567 4095"
        and range_flag(-0.25, 1) == "--value-range -0.25 1"
    )


def test_values_that_are_all_equal_use_no_range():
    """--value-range 200 200 would be refused."""
    source = open_source(saved("uint8", 200))
    assert source.notes == [] and source.hardly_used is None


def test_no_such_note_where_the_range_is_given():
    assert open_source(saved("uint8", 100, 140), value_range=(0, 255)).notes == []


@pytest.mark.parametrize(
    ("most", "bits"),
    [
        (-1, None),
        (0, None),
        (255, None),
        (511, None),
        (512, 10),
        (1_023, 10),
        (1_024, None),
        (2_047, None),
        (2_048, 12),
        (4_095, 12),
        (4_096, None),
        (8_191, None),
        (8_192, 14),
        (16_383, 14),
        (16_384, None),
        (32_767, None),
        (32_768, 16),
        (65_535, 16),
        (65_536, None),
    ],
)
def test_bits_of_the_greatest_value(most, bits):
    assert bits_of(most) == bits
