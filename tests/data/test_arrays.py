"""Arrays on disk: .npy and .npz files of every layout, type and value range, whole and damaged."""

import io
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest
from support.sources import source_error

from dcgan_tf.common.errors import UserError
from dcgan_tf.data.sources import open_source


def some_images(*shape, seed=0):
    """uint8 noise that has 0 and 255 in it."""
    images = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    images.flat[0], images.flat[1] = 0, 255
    return images


def saved(tmp_path, array, name="set.npy"):
    np.save(tmp_path / name, array)
    return str(tmp_path / name)


@pytest.mark.parametrize("channels", [1, 3])
def test_uint8_images_are_read_as_they_are(tmp_path, channels):
    images = some_images(7, 5, 6, channels)
    source = open_source(saved(tmp_path, images))
    assert (source.name, len(source), source.image_shape, source.values) == ("set", 7, (5, 6, channels), "uint8 0..255")
    assert source.labels is None and source.notes == []
    read = source.read([6, 0, 3, 3])
    assert read.dtype == np.uint8 and read.flags["C_CONTIGUOUS"] and read.flags["WRITEABLE"]
    np.testing.assert_array_equal(read, images[[6, 0, 3, 3]])
    assert source.read([]).shape == (0, 5, 6, channels)


def test_three_axes_are_grey_images(tmp_path):
    images = some_images(4, 5, 6)
    np.testing.assert_array_equal(open_source(saved(tmp_path, images)).read(range(4)), images[..., None])


def test_content_decides_not_the_name(tmp_path):
    path = saved(tmp_path, some_images(4, 5, 6))
    (tmp_path / "set.npy").rename(tmp_path / "images.dat")
    assert len(open_source(path.replace("set.npy", "images.dat"))) == 4


def test_channels_first_is_recognised_and_noted(tmp_path):
    images = some_images(4, 3, 8, 9)
    source = open_source(saved(tmp_path, images))
    assert source.image_shape == (8, 9, 3)
    assert source.notes == ["channels-first array: [4, 3, 8, 9] is read as [N, C, H, W]"]
    np.testing.assert_array_equal(source.read([2]), images[[2]].transpose(0, 2, 3, 1))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "<f2"])
def test_float_orders_and_byte_orders(tmp_path, dtype, order):
    images = some_images(4, 5, 6, 3)
    stored = np.asarray(images / 255, dtype=dtype, order=order)
    source = open_source(saved(tmp_path, stored))
    assert source.values == f"{np.dtype(dtype).name} 0..1"
    np.testing.assert_array_equal(source.read([3, 1]), images[[3, 1]])


@pytest.mark.parametrize(
    ("dtype", "least", "most", "values", "middle"),
    [
        ("float32", 0, 1, "float32 0..1", (0.5, 128)),
        ("float32", 0, 0.5, "float32 0..1", (0.25, 64)),
        ("float32", -0.0009, 1.0009, "float32 0..1", (0.2, 51)),
        ("float32", -1, 1, "float32 -1..1", (0.5, 191)),
        ("float64", -0.5, 0.5, "float64 -1..1", (0.0, 128)),
        ("float32", 0, 255, "float32 0..255", (100.4, 100)),
        ("float32", 3, 127, "float32 0..255", (100.6, 101)),
        ("int32", 0, 255, "int32 0..255", (77, 77)),
        ("int64", 0, 127, "int64 0..255", (77, 77)),
        ("uint8", 0, 32, "uint8 0..255", (31, 31)),
        ("bool", 0, 1, "bool 0..1", (1, 255)),
        ("int8", -128, 127, "int8 -128..127", (0, 128)),
        ("int8", -100, 28, "int8 -128..127", (-28, 100)),
        (">i4", 0, 255, "int32 0..255", (77, 77)),
    ],
)
def test_recognised_value_ranges(tmp_path, dtype, least, most, values, middle):
    images = np.full((3, 5, 5), least, dtype)
    images[0, 0, 0], images[1, 0, 0] = most, middle[0]
    source = open_source(saved(tmp_path, images))
    assert source.values == values
    assert source.read([1])[0, 0, 0, 0] == middle[1]


@pytest.mark.parametrize(
    ("dtype", "least", "most"),
    [
        ("uint8", 0, 31),
        ("uint16", 0, 255),
        ("int8", 0, 127),
        ("int8", -100, 27),
        ("int16", -128, 127),
        ("int64", -(2**63), 2**63 - 1),
        ("int32", 0, 1),
        ("float32", 0, 0.4),
        ("float32", 0, 1.1),
        ("float32", -0.4, 0.9),
        ("float32", -3, 3),
        ("float32", 0, 100),
        ("float32", 0, 256),
    ],
)
def test_unclear_value_ranges(tmp_path, dtype, least, most):
    images = np.full((3, 5, 5), least, dtype)
    images[0, 0, 0] = most
    path = saved(tmp_path, images)
    assert source_error(path) == (
        f"{path}: the value range is not clear ({dtype}, {least:g} to {most:g} seen): "
        "give --value-range LO HI, the values that mean black and white"
    )


def test_given_value_range_scales_rounds_and_clips(tmp_path):
    images = np.zeros((1, 5, 5), np.uint16)
    images[0, 0] = [0, 1000, 2000, 3000, 5000]
    source = open_source(saved(tmp_path, images), value_range=(1000, 3000))
    assert source.values == "uint16 1000..3000 (given)"
    assert source.read([0])[0, 0, :, 0].tolist() == [0, 0, 128, 255, 255]  # 127.5 is rounded to the even number.


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("value_range", [None, (0, 1)])
def test_nan_names_the_first_image(tmp_path, bad, value_range):
    images = np.random.default_rng(0).random((9, 5, 5))
    images[4, 2, 2] = images[6, 1, 1] = bad
    path = saved(tmp_path, images)
    message = source_error(path, value_range=value_range)
    assert message == f"{path}: image 4 holds NaN or infinity; mend or remove it"


def test_nan_outside_the_sample_is_found_when_read(tmp_path, monkeypatch):
    monkeypatch.setattr("dcgan_tf.data.ranges.MAX_SAMPLE_IMAGES", 2)  # These are the first and the last image.
    images = np.linspace(0, 1, 5 * 25).reshape(5, 5, 5)
    images[3, 0, 0] = np.nan
    source = open_source(saved(tmp_path, images))
    with pytest.raises(UserError, match="image 3 holds NaN"):
        source.read([4, 3, 1])


@pytest.mark.parametrize(
    ("shape", "fault"),
    [
        ((5, 5), "images are [N, H, W], [N, H, W, C] or [N, C, H, W]"),
        ((), "images are [N, H, W], [N, H, W, C] or [N, C, H, W]"),
        ((1, 2, 8, 8, 3), "images are [N, H, W], [N, H, W, C] or [N, C, H, W]"),
        ((8, 9, 3), "which looks like one image [H, W, C]: a set of images is [N, H, W, C]"),
        ((4, 8, 8, 5), "images have 1 to 4 channels, [N, H, W, C] or [N, C, H, W]"),
        ((0, 8, 8, 3), "there are no images in it"),
        ((4, 0, 8, 3), "there are no images in it"),
        ((4, 8, 8, 0), "there are no images in it"),
    ],
)
def test_shapes_that_are_no_images(tmp_path, shape, fault):
    path = saved(tmp_path, np.full(shape, 200, np.uint8))
    message = source_error(path)
    text = "[" + ", ".join(map(str, shape)) + "]"
    assert message.startswith(f"{path} has the shape {text}") and message.endswith(fault)


def test_alpha_is_composited_on_white(tmp_path):
    pixels_rgba = np.zeros((1, 5, 5, 4), np.uint8)
    pixels_rgba[0, 0, :3] = [[200, 100, 0, 255], [200, 100, 0, 0], [200, 100, 0, 128]]
    source = open_source(saved(tmp_path, pixels_rgba))
    assert source.image_shape == (5, 5, 3) and source.notes == ["alpha composited on white"]
    # A half transparent pixel is 128/255 of its colour and 127/255 of white.
    expected = [[200, 100, 0], [255, 255, 255], [227, 177, 127]]
    assert source.read([0])[0, 0, :3].tolist() == expected

    grey_alpha = pixels_rgba[..., [0, 3]]
    source = open_source(saved(tmp_path, grey_alpha))
    assert source.image_shape == (5, 5, 1)
    assert source.read([0])[0, 0, :3, 0].tolist() == [200, 255, 227]


def test_grey_and_colour_on_demand_are_those_of_pillow(tmp_path):
    from PIL import Image

    colour = some_images(2, 8, 9, 3)
    source = open_source(saved(tmp_path, colour), channels=1)
    assert source.image_shape == (8, 9, 1) and source.notes == ["colour turned to grey"]
    expected = np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in colour])
    np.testing.assert_array_equal(source.read([0, 1])[..., 0], expected)

    grey = some_images(2, 8, 9)
    source = open_source(saved(tmp_path, grey), channels=3)
    assert source.notes == ["grey images, stored in three equal channels"]
    np.testing.assert_array_equal(source.read([1])[0], np.stack([grey[1]] * 3, axis=-1))


def test_resized_to_cover_and_cropped_to_the_centre(tmp_path):
    images = np.zeros((1, 8, 16), np.uint8)
    images[0, :, 4:12] = 200  # This is the centre square.
    images[0, :, :4] = 90
    source = open_source(saved(tmp_path, images), size=(4, 4))
    assert source.image_shape == (4, 4, 1) and source.notes == ["resized from 8x16 to 4x4"]
    read = source.read([0])[0, ..., 0]
    np.testing.assert_allclose(read[:, 1:3], 200, atol=5)  # Lanczos overshoots a little at edges.
    assert read.min() > 150  # The dark sides are cut off, not squeezed in.


def test_halving_is_antialiased(tmp_path):
    stripes = np.zeros((1, 8, 8), np.uint8)
    stripes[..., ::2] = 200
    half = open_source(saved(tmp_path, stripes), size=(4, 4)).read([0])
    assert 80 <= half.min() and half.max() <= 120  # Each pixel is a mean of both columns, not one of them.


def test_twenty_gigabytes_are_not_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "dcgan_tf.data.ranges.MAX_SAMPLE_BYTES", 2**22
    )  # Reading a larger sample of a sparse file is slow on some systems.
    path = tmp_path / "large.npy"
    shape = (100_000, 256, 256, 3)
    with open(path, "wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        start = file.tell()
        file.write(b"\xff")
        file.truncate(start + int(np.prod(shape)))  # A sparse file takes no room on the disk.
    tracemalloc.start()
    source = open_source(str(path))
    read = source.read([99_999, 0])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(source) == 100_000 and read[1, 0, 0, 0] == 255 and read[0].max() == 0
    assert peak < 100e6


@pytest.mark.parametrize("length", [6, 9, 60, 127, 128, 200])
def test_truncated_npy(tmp_path, length):
    path = saved(tmp_path, some_images(4, 8, 8))
    whole = (tmp_path / "set.npy").read_bytes()
    (tmp_path / "set.npy").write_bytes(whole[:length])
    faults = {
        f"{path} is damaged and cannot be read as an array: copy it again",
        f"{path} is shorter than its header says: it is truncated, copy it again",
    }
    assert source_error(path) in faults


@pytest.mark.parametrize("damage", [b"(-4,8, 8)", b"(4.,8, 8)", b"(4, 8,{8)", b"\xff" * 9])
def test_rubbish_in_the_header(tmp_path, damage):
    path = saved(tmp_path, some_images(4, 8, 8))
    whole = (tmp_path / "set.npy").read_bytes()
    (tmp_path / "set.npy").write_bytes(whole.replace(b"(4, 8, 8)", damage))
    assert source_error(path) == f"{path} is damaged and cannot be read as an array: copy it again"


@pytest.mark.parametrize(
    ("array", "kind"),
    [(np.array(["a", "b"]), "str32"), (np.zeros((3, 8, 8), complex), "complex128"), (np.zeros(3, "i4,f4"), "void64")],
)
def test_arrays_of_no_numbers(tmp_path, array, kind):
    path = saved(tmp_path, array)
    expected = f"{path} holds {kind}, not numbers: images are uint8 or float arrays [N, H, W, C]"
    assert source_error(path) == expected


def test_pickles_are_never_loaded(tmp_path):
    objects = np.array([{}, 1], object)
    path = saved(tmp_path, objects)
    np.savez(tmp_path / "set.npz", images=objects)
    for file in (path, tmp_path / "set.npz"):
        expected = f"{file} holds Python objects, not numbers: save the images as a uint8 or float array [N, H, W, C]"
        assert source_error(file) == expected


@pytest.mark.parametrize("key", ["images", "x_train", "x", "arr_0", "anything"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_images_and_labels(tmp_path, key, save):
    images, labels = some_images(6, 5, 7, 3), np.arange(6)[::-1]
    save(tmp_path / "set.npz", **{key: images, "y_train": labels})
    source = open_source(str(tmp_path / "set.npz"))
    assert source.name == "set" and source.image_shape == (5, 7, 3)
    np.testing.assert_array_equal(source.read([5, 2]), images[[5, 2]])
    np.testing.assert_array_equal(source.labels, labels)
    assert source.labels.dtype == np.int64


def test_npz_prefers_images_over_other_arrays(tmp_path):
    np.savez(tmp_path / "set.npz", x=some_images(2, 5, 5), images=some_images(3, 6, 6))
    assert open_source(str(tmp_path / "set.npz")).image_shape == (6, 6, 1)


def test_npz_labels_of_shape_n_1_and_labels_that_do_not_fit(tmp_path):
    np.savez(tmp_path / "set.npz", x=some_images(3, 5, 5), y=np.array([[2], [0], [1]]))
    assert open_source(str(tmp_path / "set.npz")).labels.tolist() == [2, 0, 1]
    np.savez(tmp_path / "set.npz", x=some_images(3, 5, 5), y=np.arange(4))
    source = open_source(str(tmp_path / "set.npz"))
    assert source.labels is None
    assert source.notes == ["labels ignored: 'y' is int64 [4], not one whole number for each image"]


def test_npz_without_clear_images(tmp_path):
    path = tmp_path / "set.npz"
    np.savez(path, one=some_images(3, 5, 5), two=some_images(3, 5, 5))
    assert source_error(path) == f"{path} holds one, two: call the array of the images 'images'"


def test_damaged_npz(tmp_path):
    path = tmp_path / "set.npz"
    np.savez_compressed(path, images=some_images(20, 8, 8))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])  # The list of its members is at the end.
    assert source_error(path) == f"{path} is damaged: copy or download it again"
    path.write_bytes(whole[:200] + b"\0" * 200 + whole[400:])
    assert source_error(path) == f"{path} is damaged and cannot be read as an array: copy it again"


def test_fingerprint_says_what_the_images_are(tmp_path):
    images = some_images(200, 5, 6, 3)
    fingerprint = open_source(saved(tmp_path, images)).fingerprint
    assert len(fingerprint) == 16 and int(fingerprint, 16) >= 0
    (tmp_path / "elsewhere").mkdir()
    assert open_source(saved(tmp_path / "elsewhere", images, "other.npy")).fingerprint == fingerprint
    as_floats = open_source(saved(tmp_path, images / 255))
    assert as_floats.fingerprint == fingerprint  # These are the same pixels.
    np.savez(tmp_path / "set.npz", images=images, labels=np.arange(200))
    others = [images[:199], images[::-1], images[..., :1], images.transpose(0, 2, 1, 3)]
    different = {open_source(saved(tmp_path, other)).fingerprint for other in others}
    different.add(open_source(str(tmp_path / "set.npz")).fingerprint)
    assert len(different | {fingerprint}) == 6


def test_reading_from_many_threads(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    images = some_images(50, 8, 8, 3)
    source = open_source(saved(tmp_path, images), size=(8, 8))
    with ThreadPoolExecutor(8) as pool:
        for i, read in enumerate(pool.map(lambda i: source.read([i, 49 - i]), range(50))):
            np.testing.assert_array_equal(read, images[[i, 49 - i]])


def test_npy_bytes_of_version_2_in_fortran_order(tmp_path):
    images = some_images(5, 6, 7)
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asfortranarray(images), version=(2, 0))
    (tmp_path / "set.npy").write_bytes(buffer.getvalue())
    np.testing.assert_array_equal(open_source(str(tmp_path / "set.npy")).read([4, 1])[..., 0], images[[4, 1]])


def npy(array) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def archive(tmp_path, members) -> str:
    path = tmp_path / "set.npz"
    with warnings.catch_warnings():  # zipfile warns of a doubled name.
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in members:
                file.writestr(name, content)
    return str(path)


IMAGES = some_images(4, 8, 8)


@pytest.mark.parametrize(
    ("members", "line"),
    [
        ([("images.npy", b"hello world")], " is damaged and cannot be read as an array: copy it again"),
        (
            [("images.npy", npy(IMAGES))] * 2,
            " holds 2 arrays called 'images': save it again with one of each",
        ),
        (
            [("images.npy", npy(IMAGES).replace(b"(4, 8, 8)", b"(4, 8, 9)"))],
            ", array 'images', has not the length that its header says: copy the file again",
        ),
        (
            [("images.npy", npy(IMAGES) + bytes(10**7))],
            ", array 'images', has not the length that its header says: copy the file again",
        ),
        (
            [("a\x1b[2J\n.npy", npy(IMAGES)), ("b.npy", npy(IMAGES))],
            " holds a\\x1b[2J\\n, b: call the array of the images 'images'",
        ),
    ],
)
def test_hostile_archives(tmp_path, members, line):
    path = archive(tmp_path, members)
    assert source_error(path) == path + line


def test_an_encrypted_archive(tmp_path):
    path = archive(tmp_path, [("images.npy", npy(IMAGES))])
    content = bytearray((tmp_path / "set.npz").read_bytes())
    content[6] |= 1
    content[content.rfind(b"PK\1\2") + 8] |= 1
    (tmp_path / "set.npz").write_bytes(content)
    assert source_error(path) == f"{path} is encrypted: save it without a password"


def test_an_array_of_an_archive_that_does_not_fit_into_memory(tmp_path, monkeypatch):
    path = archive(tmp_path, [("images.npy", npy(IMAGES))])
    monkeypatch.setattr("dcgan_tf.common.memory.free_bytes", lambda: 255)
    assert source_error(path) == (
        f"{path}, array 'images', needs 256 B of memory, and 255 B are free: "
        "save the images as .npy, which is read piece by piece"
    )


def test_labels_beyond_64_bits_are_left_out(tmp_path):
    np.savez(tmp_path / "set.npz", x=IMAGES, y=np.full(4, 2**63, np.uint64))
    source = open_source(str(tmp_path / "set.npz"))
    assert source.labels is None
    assert source.notes == ["labels ignored: 'y' is uint64 [4], not one whole number for each image"]


def test_an_image_that_does_not_fit_into_memory(tmp_path, monkeypatch):
    path = saved(tmp_path, IMAGES)
    monkeypatch.setattr("dcgan_tf.common.memory.free_bytes", lambda: 191)
    assert source_error(path) == (
        f"one image of {path} needs 192 B of memory, and 191 B are free: make the images smaller"
    )


def test_large_images_are_read_and_converted_piece_by_piece(tmp_path, monkeypatch):
    images = some_images(5, 8, 8, 4)
    source = open_source(saved(tmp_path, images.astype(np.float32)), size=(4, 4))
    whole = source.read([4, 0, 2])
    monkeypatch.setattr("dcgan_tf.data.arrays.READ_CHUNK_BYTES", 2 * 8 * 8 * 4 * 4)
    monkeypatch.setattr("dcgan_tf.common.pixels.PIECE_PIXELS", 7)
    source = open_source(saved(tmp_path, images.astype(np.float32)), size=(4, 4))
    np.testing.assert_array_equal(source.read([4, 0, 2]), whole)
