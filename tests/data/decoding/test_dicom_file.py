"""DICOM files that pydicom wrote here: their values by hand, and in which words damaged and strange ones are refused."""

import importlib.util
import io
import os
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image
from support.helpers import error_of
from support.image_files import encoded, noise

from dcgan_tf.common.errors import UserError
from dcgan_tf.common.fit import Fit
from dcgan_tf.common.install import install_command
from dcgan_tf.data.decode import (
    bit_depth,
    decode,
    decode_frames,
    frame_count,
    image_size,
    image_sizes,
    is_image,
    size_and_channels,
    stored_range,
    why_not_decoded,
)
from dcgan_tf.data.decoding import dicom_file, dicom_values, frames, pillow_file

pytest.importorskip("pydicom")
pytestmark = pytest.mark.filterwarnings("ignore:::pydicom")  # pytest replaces the filter that dicom.py sets.

PATIENT = "Mustermann^Erika"


def dataset(pixels=None, **values):
    """A data set of pixels: [H, W] or [frames, H, W] in grey, or [H, W, 3]; values by their keyword, None for none."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = CTImageStorage
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["x"])
    made.PatientName, made.Modality = PATIENT, "OT"
    if pixels is not None:
        is_colour = pixels.ndim == 3 and pixels.shape[2] == 3
        made.SamplesPerPixel = 3 if is_colour else 1
        made.PhotometricInterpretation = "RGB" if is_colour else "MONOCHROME2"
        if is_colour:
            made.PlanarConfiguration = 0
        made.Rows, made.Columns = pixels.shape[:2] if is_colour else pixels.shape[-2:]
        if pixels.ndim == 3 and not is_colour:
            made.NumberOfFrames = len(pixels)
        made.BitsAllocated = made.BitsStored = 8 * pixels.itemsize
        made.HighBit = made.BitsStored - 1
        made.PixelRepresentation = int(pixels.dtype.kind == "i")
        made.PixelData = pixels.tobytes() + bytes(pixels.nbytes % 2)
        made["PixelData"].VR = "OW" if pixels.itemsize > 1 else "OB"
    for keyword, value in values.items():
        if value is None:
            delattr(made, keyword)
        else:
            setattr(made, keyword, value)
    return made


def content_of(made, syntax=None) -> bytes:
    if syntax:
        made.file_meta.TransferSyntaxUID = syntax
    content = io.BytesIO()
    made.save_as(content, enforce_file_format=True)
    return content.getvalue()


def file_of(pixels=None, **values) -> bytes:
    return content_of(dataset(pixels, **values))


def shades(content, value_range=None, **options) -> list:
    size = image_size(content)
    return decode(content, Fit(size), value_range, **options).pixels[..., 0].tolist()


# ---- grey values


def test_eight_bits_are_the_shades():
    pixels = noise(4, 6, channels=1)
    content = file_of(pixels)
    assert is_image(content) and frame_count(content) == 1 and image_sizes(content) == [(4, 6)]
    assert size_and_channels(content) == ((4, 6), 1) and bit_depth(content) == 8 and stored_range(content) is None
    decoded = decode(content, Fit((4, 6)), None)
    np.testing.assert_array_equal(decoded.pixels[..., 0], pixels)
    assert decoded.pixels.dtype == np.uint8 and decoded.stored_size == (4, 6)


def test_twelve_of_sixteen_bits_are_all_that_they_can_hold():
    content = file_of(np.array([[0, 819, 2048, 4095]], np.uint16), BitsStored=12, HighBit=11)
    assert shades(content) == [[0, 51, 128, 255]]  # 819 is a fifth of 4,095.
    assert bit_depth(content) == 12 and stored_range(content) is None
    assert shades(content, (0, 819)) == [[0, 255, 255, 255]]


def test_sixteen_bits_have_a_range_for_the_set_to_judge():
    content = file_of(np.array([[8, 512, 1023]], np.uint16))
    assert stored_range(content) == (8, 1023)
    assert shades(content) == [[0, 2, 4]]
    assert shades(content, range_of_16_bits=(0, 1023)) == [[2, 128, 255]]
    assert shades(content, (0, 512), range_of_16_bits=(0, 1023)) == [[4, 255, 255]]


def test_ct_shows_air_to_bone():
    values = np.array([[-2000, -1000, -500, 0, 1000, 3000]])  # in Hounsfield units
    signed = file_of(values.astype(np.int16), Modality="CT", RescaleSlope=1, RescaleIntercept=0)
    offset = file_of((values + 2048).astype(np.uint16), Modality="CT", RescaleSlope=1, RescaleIntercept=-2048)
    assert shades(signed) == shades(offset) == [[0, 0, 64, 128, 255, 255]]
    assert shades(signed, (0, 1000)) == shades(offset, (0, 1000)) == [[0, 0, 0, 0, 255, 255]]
    assert stored_range(offset) is None


def test_other_rescaled_values_keep_the_range_of_their_bits():
    pixels = np.array([[0, 51, 255]], np.uint8)
    assert shades(file_of(pixels, RescaleSlope=2, RescaleIntercept=100)) == [[0, 51, 255]]
    assert shades(file_of(pixels, RescaleSlope=2, RescaleIntercept=100), (100, 202)) == [[0, 255, 255]]
    assert shades(file_of(pixels, RescaleSlope=-1, RescaleIntercept=0)) == [[255, 204, 0]]
    assert shades(file_of(pixels, RescaleType="HU", RescaleSlope=10, RescaleIntercept=-1000)) == [[0, 65, 255]]


def test_a_window_has_the_ends_that_the_standard_gives_it():
    # PS3.3 C.11.2.1.2.1 with a center of 50 and a width of 101: black up to -0.5, white above 99.5.
    pixels = np.array([[-500, -1, 0, 49, 50, 99, 100, 900]], np.int16)
    linear = file_of(pixels, Modality="CT", RescaleSlope=1, RescaleIntercept=0, WindowCenter=50, WindowWidth=101)
    assert shades(linear) == [[0, 0, 1, 126, 129, 254, 255, 255]]
    exact = file_of(pixels, WindowCenter=50, WindowWidth=100, VOILUTFunction="LINEAR_EXACT")
    assert shades(exact) == [[0, 0, 0, 125, 128, 252, 255, 255]]  # 0 is black and 100 white; 127.5 is rounded up here.
    assert shades(linear, (-500, 900)) == [[0, 91, 91, 100, 100, 109, 109, 255]]  # The window is ignored.


def test_a_window_is_of_rescaled_values_and_the_first_of_several():
    pixels = np.array([[0, 100, 200]], np.uint8)
    content = file_of(pixels, RescaleSlope=10, RescaleIntercept=-1000, WindowCenter=[500.5, 0], WindowWidth=[1001, 2])
    assert shades(content) == [[0, 0, 255]]  # -1000, 0 and 1000, of which 0..1000 is the window.
    curve = file_of(np.array([[0, 128, 255]], np.uint8), WindowCenter=128, WindowWidth=40, VOILUTFunction="SIGMOID")
    assert shades(curve) == [[0, 128, 255]]


@pytest.mark.parametrize("window", [{"WindowCenter": 3}, {"WindowCenter": 3, "WindowWidth": 0}, {"WindowWidth": 9}])
def test_half_a_window_is_none(window):
    pixels = np.array([[0, 50, 255]], np.uint8)
    assert shades(file_of(pixels, **window)) == pixels.tolist()


def table(entries, first=0, bits=8):
    from pydicom.dataset import Dataset

    made = Dataset()
    made.LUTDescriptor, made.LUTData = [len(entries), first, bits], entries
    made["LUTDescriptor"].VR = made["LUTData"].VR = "US"
    return made


def test_tables_instead_of_a_slope_and_of_a_window():
    pixels = np.array([[0, 1, 2, 3, 9]], np.uint8)
    assert shades(file_of(pixels, VOILUTSequence=[table([0, 10, 200, 255])])) == [[0, 10, 200, 255, 255]]
    assert shades(file_of(pixels, VOILUTSequence=[table([4095, 0, 2048, 1], bits=12)])) == [[255, 0, 128, 0, 0]]
    long = np.array([[0, 255, 256, 4095, 9999]], np.uint16)
    entries = list(np.repeat(np.arange(256), 16))  # 4,096 entries of 8 bits
    assert shades(file_of(long, VOILUTSequence=[table(entries)])) == [[0, 15, 16, 255, 255]]
    agfa = [0, 1000, 4095, 4095]  # declared as of 16 bits, as they are stored
    assert shades(file_of(pixels, VOILUTSequence=[table(agfa, bits=16)])) == [[0, 62, 255, 255, 255]]
    assert shades(file_of(pixels, ModalityLUTSequence=[table([0, 1000, 4095], first=1, bits=12)])) == [
        [0, 0, 62, 255, 255]
    ]
    both = dataset(pixels, ModalityLUTSequence=[table([3, 2, 1, 0])], VOILUTSequence=[table([9, 8, 7, 6])])
    both.ModalityLUTSequence[0].ModalityLUTType = "US"
    assert shades(content_of(both)) == [[6, 7, 8, 9, 9]]
    assert shades(content_of(both), (0, 3)) == [[255, 170, 85, 0, 0]]  # after the first table, without the second


def test_monochrome1_is_inverted_last():
    pixels = np.array([[0, 10, 255]], np.uint8)
    content = file_of(pixels, PhotometricInterpretation="MONOCHROME1")
    assert shades(content) == [[255, 245, 0]]
    assert shades(content, (0, 10)) == [[255, 0, 0]]
    window = file_of(pixels, PhotometricInterpretation="MONOCHROME1", WindowCenter=5.5, WindowWidth=11)
    assert shades(window) == [[255, 0, 0]]


def test_one_bit_is_black_and_white():
    bits = np.packbits(np.array([0, 1, 1, 0, 1, 0, 0, 1], np.uint8), bitorder="little")
    content = file_of(
        np.zeros((2, 4), np.uint8), BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=bits.tobytes() + b"\0"
    )
    assert shades(content) == [[0, 255, 255, 0], [255, 0, 0, 255]]


@pytest.mark.parametrize(
    "values",
    [
        {"pixels": np.array([[-5, 5]], np.int16)},
        {"pixels": np.array([[5, 70_000]], np.uint32)},
        {"pixels": np.array([[5, 9]], np.uint16), "Modality": "PT", "RescaleSlope": 0.37, "RescaleIntercept": 0},
        {"pixels": np.array([[5, 9]], np.uint8), "RescaleSlope": 0, "RescaleIntercept": 3},
    ],
)
def test_values_of_unknown_range_want_one(values):
    content = file_of(**values)
    assert error_of(decode, content, (1, 2), None) == "values of unknown range: give --value-range LO HI"
    assert decode(content, Fit((1, 2)), (0, 100)).pixels.shape == (1, 2, 1)


def test_floating_point_pixels():
    made = dataset(np.zeros((1, 3), np.uint32), PixelData=None, BitsStored=None, HighBit=None, PixelRepresentation=None)
    made.FloatPixelData = np.array([0, 0.5, 1], np.float32).tobytes()
    content = content_of(made)
    assert shades(content, (0, 1)) == [[0, 128, 255]]
    assert error_of(decode, content, (1, 3), None) == "values of unknown range: give --value-range LO HI"
    made.FloatPixelData = np.array([0, np.nan, 1], np.float32).tobytes()
    assert error_of(decode, content_of(made), (1, 3), (0, 1)) == "holds NaN or infinity"


def test_a_large_image_is_converted_in_bands(monkeypatch):
    pixels = noise(9, 8, channels=1)
    content = file_of(pixels, WindowCenter=128, WindowWidth=100, PhotometricInterpretation="MONOCHROME1")
    whole = shades(content)
    monkeypatch.setattr(dicom_values, "BAND_PIXELS", 20)
    assert shades(content) == whole


# ---- colours


def test_rgb_in_either_order_of_its_planes():
    pixels = noise(4, 6)
    content = file_of(pixels)
    assert size_and_channels(content) == ((4, 6), 3)
    np.testing.assert_array_equal(decode(content, Fit((4, 6)), None).pixels, pixels)
    planes = dataset(pixels, PlanarConfiguration=1, PixelData=pixels.transpose(2, 0, 1).tobytes())
    np.testing.assert_array_equal(decode(content_of(planes), Fit((4, 6)), None).pixels, pixels)


@pytest.mark.parametrize("halved", [False, True])
def test_ybr_becomes_rgb(halved):
    red, grey = (76, 85, 255), (128, 128, 128)  # Y, Cb, Cr
    pixels = np.array([[red, red, grey, grey]] * 2, np.uint8)
    if halved:
        stored = np.array([[76, 76, 85, 255, 128, 128, 128, 128]] * 2, np.uint8)  # Two pixels share Cb and Cr.
        content = file_of(pixels, PhotometricInterpretation="YBR_FULL_422", PixelData=stored.tobytes())
    else:
        content = file_of(pixels, PhotometricInterpretation="YBR_FULL")
    read = decode(content, Fit((2, 4)), None).pixels
    np.testing.assert_allclose(read[0], [[254, 0, 0]] * 2 + [[128] * 3] * 2, atol=1)


@pytest.mark.parametrize("bits", [8, 16])
def test_palettes_become_rgb(bits):
    made = dataset(np.array([[0, 1, 2]], np.uint8), PhotometricInterpretation="PALETTE COLOR")
    for name, entries in (("Red", [255, 0, 10]), ("Green", [0, 255, 20]), ("Blue", [0, 0, 30])):
        setattr(made, f"{name}PaletteColorLookupTableDescriptor", [3, 0, bits])
        made[f"{name}PaletteColorLookupTableDescriptor"].VR = "US"
        stored = np.array(entries, np.uint8 if bits == 8 else np.uint16) * (1 if bits == 8 else 257)
        setattr(made, f"{name}PaletteColorLookupTableData", stored.tobytes() + bytes(stored.nbytes % 2))
    if bits == 8:  # An even number of bytes, as the standard wants it: four entries.
        for name in ("Red", "Green", "Blue"):
            setattr(made, f"{name}PaletteColorLookupTableDescriptor", [4, 0, bits])
            made[f"{name}PaletteColorLookupTableDescriptor"].VR = "US"
    content = content_of(made)
    assert size_and_channels(content) == ((1, 3), 3)
    assert decode(content, Fit((1, 3)), None).pixels.tolist() == [[[255, 0, 0], [0, 255, 0], [10, 20, 30]]]


# ---- frames


def test_frames_are_read_one_by_one():
    pixels = np.stack([noise(4, 6, seed, channels=1) for seed in range(5)])
    content = file_of(pixels)
    assert frame_count(content) == 5 and image_sizes(content) == [(4, 6)] * 5
    for k, decoded in enumerate(decode_frames(content, Fit((4, 6)), None)):
        np.testing.assert_array_equal(decoded.pixels[..., 0], pixels[k])
        np.testing.assert_array_equal(decode(content, Fit((4, 6)), None, frame=k).pixels[..., 0], pixels[k])
    assert error_of(decode, content, (4, 6), None, frame=5) == "has no frame 5"


def test_frames_have_windows_of_their_own_in_newer_files():
    from pydicom.dataset import Dataset

    def group(name, **values):
        made, item = Dataset(), Dataset()
        for keyword, value in values.items():
            setattr(item, keyword, value)
        setattr(made, name, [item])
        return made

    made = dataset(np.array([[[0, 50, 75, 100]]] * 2, np.uint8))
    made.SharedFunctionalGroupsSequence = [
        group("PixelValueTransformationSequence", RescaleSlope=10, RescaleIntercept=0, RescaleType="US")
    ]
    made.PerFrameFunctionalGroupsSequence = [
        group("FrameVOILUTSequence", WindowCenter=500.5, WindowWidth=1001),
        group("FrameVOILUTSequence", WindowCenter=250.5, WindowWidth=501),
    ]
    first, second = decode_frames(content_of(made), Fit((1, 4)), None)
    assert first.pixels[0, :, 0].tolist() == [0, 128, 191, 255]
    assert second.pixels[0, :, 0].tolist() == [0, 255, 255, 255]


@pytest.mark.parametrize("has_table", [True, False])
def test_compressed_frames(has_table):
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEGBaseline8Bit

    pixels = [np.full((16, 16, 3), colour, np.uint8) for colour in ((200, 30, 30), (30, 200, 30), (30, 30, 200))]
    made = dataset(pixels[0], NumberOfFrames=3, PhotometricInterpretation="YBR_FULL_422")
    made.PixelData = encapsulate([encoded(one, "JPEG", quality=95) for one in pixels], has_bot=has_table)
    content = content_of(made, JPEGBaseline8Bit)
    assert frame_count(content) == 3
    for decoded, expected in zip(decode_frames(content, Fit((16, 16)), None), pixels, strict=True):
        np.testing.assert_allclose(decoded.pixels, expected, atol=4)


def test_run_lengths():
    from pydicom.uid import RLELossless

    pixels = np.arange(24, dtype=np.uint16).reshape(2, 3, 4) * 100
    made = dataset(pixels, BitsStored=12, HighBit=11)
    made.compress(RLELossless, generate_instance_uid=False)
    first, second = decode_frames(content_of(made, RLELossless), Fit((3, 4)), (0, 2300))
    np.testing.assert_array_equal(np.stack([first.pixels, second.pixels])[..., 0], np.rint(pixels / 2300 * 255))


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"])
def test_other_ways_to_write_the_same(syntax):
    from pydicom.uid import UID

    made = dataset(np.array([[0, 1000, 4095]], np.uint16), BitsStored=12, HighBit=11)
    if UID(syntax).is_little_endian is False:
        made.PixelData = np.array([[0, 1000, 4095]], ">u2").tobytes()
    assert shades(content_of(made, syntax)) == [[0, 62, 255]]


# ---- what cannot be read


def refused(content, size=(4, 4), value_range=None) -> str:
    with pytest.raises((UserError, Image.DecompressionBombError)) as raised:
        decode(content, Fit(size), value_range)
    return why_not_decoded(raised.value, content)


def test_no_pixels_no_image():
    report = dataset(Modality="SR")
    for content in (content_of(report), content_of(report, "1.2.840.10008.1.2"), file_of()[:132], file_of()[:300]):
        assert is_image(content) and refused(content) == "holds no image"


def test_a_truncated_file_has_the_frames_that_are_there():
    pixels = np.stack([noise(8, 8, seed, channels=1) for seed in range(4)])
    content = file_of(pixels)
    cut = content[: len(content) - 64 - 30]
    assert frame_count(cut) == 3
    items = list(decode_frames(cut, Fit((8, 8)), None))
    assert [isinstance(item, Exception) for item in items] == [False, False, True]
    assert str(items[2]) == "truncated"
    assert refused(file_of(noise(8, 8, channels=1))[:-20]) == "truncated"


@pytest.mark.parametrize(
    ("syntax", "reason"),
    [
        (
            "1.2.840.10008.1.2.4.80",
            f"compressed as JPEG-LS Lossless Image Compression, which needs a package: {install_command(['python-gdcm'])}",
        ),
        ("1.2.840.10008.1.2.4.100", "compressed as MPEG2 Main Profile / Main Level, which pydicom does not decode"),
        (
            "1.2.840.10008.1.2.4.201",
            "compressed as High-Throughput JPEG 2000 Image Compression (Lossless Only), which needs a plugin of pydicom",
        ),
        ("1.2.3.4.5", "of an unknown transfer syntax, 1.2.3.4.5"),
        (f"1.2.3.{PATIENT}", "damaged"),
    ],
)
def test_compression_that_pydicom_cannot_undo(syntax, reason):
    from pydicom.encaps import encapsulate

    if any(importlib.util.find_spec(name) for name in ("gdcm", "pylibjpeg", "jpeg_ls")):
        pytest.skip("a plugin of pydicom is installed")
    made = dataset(noise(4, 4, channels=1), PixelData=encapsulate([b"1234"]))
    made["PixelData"].is_undefined_length = True
    content = content_of(made, "1.2.840.10008.1.2.4.50")
    placed = content.index(b"1.2.840.10008.1.2.4.50")
    written = syntax.encode() + bytes(len(syntax) % 2)
    head = content[: placed - 2] + struct.pack("<H", len(written)) + written
    assert refused(head + content[placed + 22 :]) == reason


def test_damaged_compressed_frames():
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEGBaseline8Bit

    made = dataset(noise(16, 16, channels=1), PixelData=encapsulate([encoded(noise(16, 24, channels=1), "JPEG")]))
    assert refused(content_of(made, JPEGBaseline8Bit)) == "damaged: its frames have another size than it says"
    made.PixelData = encapsulate([encoded(noise(16, 16, channels=1), "JPEG")[:200]])
    assert refused(content_of(made, JPEGBaseline8Bit)) == (
        "its JPEG Baseline (Process 1) could not be decoded: it may be damaged, or need a package: "
        + install_command(["python-gdcm"])
    )


def test_sizes_are_claims(monkeypatch):
    pixels = noise(4, 4, channels=1)
    assert refused(file_of(pixels, Rows=60_000, Columns=60_000)) == "more than 178,956,970 pixels"
    assert refused(file_of(pixels, Rows=10_000, Columns=10_000)) == "truncated"
    assert frame_count(file_of(pixels, NumberOfFrames=10**9)) == 1
    assert refused(file_of(pixels, Rows=0)) == "damaged"
    assert refused(file_of(pixels, BitsAllocated=0)) == "damaged"
    assert refused(file_of(pixels, SamplesPerPixel=2)) == "damaged"
    monkeypatch.setattr(frames, "MAX_FRAMES", 3)
    assert error_of(frame_count, file_of(np.zeros((4, 2, 2), np.uint8))) == "more than 3 frames"


def test_memory_is_asked_for_what_the_header_says(monkeypatch):
    taken = []

    class Counted(pillow_file.Budget):
        def share(self, amount):
            taken.append(amount)
            return super().share(amount)

    monkeypatch.setattr(dicom_file, "memory", lambda: Counted(10))
    decode(file_of(np.zeros((20, 10), np.uint16), BitsStored=12), Fit((4, 4)), None)
    decode(file_of(np.zeros((20, 10, 3), np.uint8)), Fit((4, 4)), None)
    assert taken == [2 * 400 + 600, 2 * 600 + 600]


def test_bombs_are_not_unpacked(monkeypatch):
    content = content_of(dataset(noise(4, 4, channels=1)), "1.2.840.10008.1.2.1.99")
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = packer.compress(struct.pack("<HH2sHI", 8, 0x0070, b"OB", 0, 2**28) + bytes(2**24)) + packer.flush()
    monkeypatch.setattr(dicom_file, "MAX_UNPACKED_BYTES", 2**21)
    start = content.index(b"1.2.840.10008.1.2.1.99") + 22
    assert decode(content, Fit((4, 4)), None).pixels.shape == (4, 4, 1)
    group = struct.unpack("<I", content[140:144])[0]  # the length of the elements that are not packed
    assert start <= 144 + group
    assert refused(content[: 144 + group] + bomb) == "larger than 2.1 MB when unpacked"


def test_a_header_without_end_is_not_read(monkeypatch):
    monkeypatch.setattr(dicom_file, "MAX_HEADER_BYTES", 10_000)
    many = dataset(noise(4, 4, channels=1), VOILUTSequence=[table([0] * 9000, bits=8)])
    assert refused(content_of(many)) == "damaged: it claims too much"
    assert shades(file_of(noise(4, 4, channels=1), PatientComments="x" * 9000))  # It is skipped, as all of a patient.


@pytest.mark.parametrize("seed", range(4))
def test_every_flipped_byte_is_survived(seed, capfd, recwarn):
    random = np.random.default_rng(seed)
    whole = file_of(noise(8, 8, channels=1), WindowCenter=100, WindowWidth=50, VOILUTSequence=[table([1, 2, 3])])
    for _ in range(60):
        damaged = bytearray(whole)
        for place in random.integers(132, len(whole) - 64, 4):
            damaged[place] = random.integers(256)
        content = bytes(damaged)
        try:
            decode(content, Fit((8, 8)), None)
        except Exception as error:
            assert PATIENT[:6] not in why_not_decoded(error, content)
    assert capfd.readouterr() == ("", "")


def test_nothing_of_the_patient_is_said(tmp_path, capfd, caplog):
    (tmp_path / "a.dcm").write_bytes(file_of(noise(4, 4, channels=1), WindowCenter=3))
    odd = file_of(noise(4, 4, channels=1), PatientBirthDate="19700101", RescaleSlope=1).replace(
        b"19700101", b"Muster^^"
    )
    for content in (tmp_path / "a.dcm", odd):
        decode(content, Fit((4, 4)), None)
    assert capfd.readouterr() == ("", "") and caplog.text == ""


def test_without_pydicom_it_says_how_to_install_it(tmp_path, monkeypatch):
    (tmp_path / "a.dcm").write_bytes(file_of(noise(4, 4, channels=1)))
    dicom_file._pydicom.cache_clear()
    monkeypatch.setitem(sys.modules, "pydicom", None)
    assert is_image(tmp_path / "a.dcm")
    assert refused((tmp_path / "a.dcm").read_bytes()) == f"DICOM needs a package: {install_command(['pydicom'])}"
    assert "pydicom>=3,<4" in install_command(["pydicom"])


def test_other_files_are_told_from_dicom(tmp_path):
    (tmp_path / "short").write_bytes(bytes(128) + b"DIC")
    (tmp_path / "text").write_bytes(b"x" * 128 + b"DICK" + b"x" * 99)
    assert not is_image(tmp_path / "short") and not is_image(tmp_path / "text")
    assert dicom_file.is_dicom(io.BytesIO(bytes(128) + b"DICM"))
    assert dicom_file.is_dicom(io.BytesIO(b"II*\0".ljust(128, b"\0") + b"DICM"))
    os.mkfifo(tmp_path / "pipe")
    assert not is_image(tmp_path / "pipe")
