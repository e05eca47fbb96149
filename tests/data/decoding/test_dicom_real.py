"""DICOM files of scanners, which pydicom brings along: shown as pydicom itself shows them."""

from pathlib import Path

import numpy as np
import pytest

from dcgan_tf.common.fit import Fit
from dcgan_tf.data.decode import decode, file_facts, image_size, is_image
from dcgan_tf.data.decoding.dicom_values import HOUNSFIELD_RANGE

pydicom = pytest.importorskip("pydicom")
pytestmark = pytest.mark.filterwarnings("ignore:::pydicom")

FILES = Path(pydicom.__file__).parent / "data/test_files"

REAL = (
    "CT_small.dcm",  # This and the next begin as a TIFF does.
    "MR_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_implicit.dcm",
    "MR_small_jp2klossless.dcm",
    "693_J2KI.dcm",
    "examples_overlay.dcm",  # with two windows
)


@pytest.mark.parametrize("name", REAL)
def test_files_of_scanners_are_shown_as_pydicom_shows_them(name):
    """In the first window that a file gives, and where it gives none, as the CT that it is."""
    from pydicom import pixels

    path = str(FILES / name)
    read = pydicom.dcmread(path)
    values = pixels.apply_modality_lut(read.pixel_array, read)
    if "WindowCenter" in read:
        shown = pixels.apply_voi_lut(values, read, 0, prefer_lut=False).astype(float)
        bits = read.BitsStored
        bottom = -(2 ** (bits - 1)) if read.PixelRepresentation else 0
        slope, intercept = float(read.get("RescaleSlope", 1)), float(read.get("RescaleIntercept", 0))
        low, high = bottom * slope + intercept, (bottom + 2**bits - 1) * slope + intercept
    else:
        shown, (low, high) = values.astype(float), HOUNSFIELD_RANGE
    expected = np.clip((shown - low) / (high - low) * 255, 0, 255)
    assert is_image(path) and file_facts(path).format == "DICOM"
    found = decode(path, Fit(image_size(path)), None).pixels[..., 0]
    assert expected.std() > 10 and np.abs(found - expected).max() <= 1


@pytest.mark.parametrize("name", ["examples_rgb_color.dcm", "examples_palette.dcm", "SC_rgb_small_odd_big_endian.dcm"])
def test_colours_of_real_files(name):
    from pydicom import pixels

    path = str(FILES / name)
    read = pydicom.dcmread(path)
    expected = read.pixel_array
    if read.PhotometricInterpretation == "PALETTE COLOR":
        expected = pixels.apply_color_lut(expected, read) >> 8
    np.testing.assert_allclose(decode(path, Fit(image_size(path)), None).pixels, expected, atol=1)
