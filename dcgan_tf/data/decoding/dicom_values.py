"""Turns the values of DICOM images into 8 bits, as their files say how to show them. pydicom is there when this is used."""

from typing import NamedTuple

import numpy as np

from dcgan_tf.common import pixels
from dcgan_tf.common.errors import UserError
from dcgan_tf.data.decoding.eight_bits import BAND_PIXELS

HOUNSFIELD_RANGE = (-1000, 1000)  # air .. dense bone
HOW_SHOWN = (  # What a file may say of how it is shown, by the keywords of DICOM.
    "Modality RescaleSlope RescaleIntercept RescaleType WindowCenter WindowWidth VOILUTFunction ModalityLUTSequence "
    "VOILUTSequence SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence PixelPresentation "
    "RedPaletteColorLookupTableDescriptor GreenPaletteColorLookupTableDescriptor BluePaletteColorLookupTableDescriptor "
    "RedPaletteColorLookupTableData GreenPaletteColorLookupTableData BluePaletteColorLookupTableData "
    "SegmentedRedPaletteColorLookupTableData SegmentedGreenPaletteColorLookupTableData "
    "SegmentedBluePaletteColorLookupTableData"
).split()
PET = "PT"
GROUPS = (
    "PixelValueTransformationSequence",
    "FrameVOILUTSequence",
)  # for one frame or all, in the newer kinds of files
NEEDS_RANGE = "values of unknown range: give --value-range LO HI"


def groups_of_frame(header, frame: int):
    """The header as it holds for one frame: newer kinds of multi-frame files say some of it for each frame."""
    from pydicom.dataset import Dataset

    own = Dataset()
    own.update(header)
    own.file_meta = header.file_meta
    own.set_original_encoding(*header.original_encoding, None)
    for sequence, index in (("SharedFunctionalGroupsSequence", 0), ("PerFrameFunctionalGroupsSequence", frame)):
        groups = header.get(sequence)
        for name in GROUPS:
            if groups and index < len(groups) and groups[index].get(name):
                own.update(groups[index].get(name)[0])
    for name in ("RescaleSlope", "RescaleIntercept"):
        if name in own and own.get(name) in (None, ""):
            del own[name]
    return own


def to_8_bits(values, header, value_range, range_of_16_bits) -> np.ndarray:
    """Converts the stored values of a frame, [H, W] or RGB [H, W, 3], to uint8 [H, W] or [H, W, 3].

    Colours: 0 and the greatest value that their bits can hold become 0 and 255, or `value_range`. Palettes become RGB.

    Grey values are first rescaled as the file says, for CT to Hounsfield units. These become 0 and 255:

    1. `value_range`, where it is given: values after rescaling. The window of the file is then ignored.
    2. The window of the file, or its lookup table; of several the first.
    3. Where a table rescales, all that its entries can hold.
    4. For CT, and for other images in Hounsfield units, HOUNSFIELD_RANGE.
    5. For 16 bits, unsigned: `range_of_16_bits`, rescaled. For fewer bits all that they can hold, rescaled.

    No range depends on the values of one image alone: the images of a set keep how bright they are to each other. What is
    MONOCHROME1 is inverted last.

    Raises:
        UserError: a value_range is needed: for signed values, for more than 16 bits, for PET, whose scale differs from
            image to image; or there are NaN or infinity.
    """
    if values.ndim == 3:
        return pixels.to_uint8(values, *(value_range or (0, 2 ** int(header.BitsStored) - 1)))
    if header.PhotometricInterpretation == "PALETTE COLOR":
        return _in_bands(lambda band: _coloured(band, header, value_range), values, 3)
    shades = _shades(header, value_range, range_of_16_bits)
    if header.PhotometricInterpretation == "MONOCHROME1":
        return _in_bands(lambda band: 255 - shades(band), values, 1)
    return _in_bands(shades, values, 1)


def has_unknown_range(header) -> bool:
    """Whether the values of a grey image have 16 bits, and its file does not say which of them are black and white."""
    return (
        header.PhotometricInterpretation in ("MONOCHROME1", "MONOCHROME2")
        and not header.get("VOILUTSequence")
        and not header.get("ModalityLUTSequence")
        and not _has_window(header)
        and not _is_rescaled(header)
        and not _is_in_hounsfield_units(header)
        and header.get("Modality") != PET
        and (header.get("BitsStored"), header.get("PixelRepresentation")) == (16, 0)
    )


def _in_bands(convert, values, channels) -> np.ndarray:
    """Converts some rows at a time, because wider numbers take several times the memory of the image."""
    height, width = values.shape
    rows = max(1, BAND_PIXELS // width)
    converted = np.empty((height, width, 3) if channels == 3 else (height, width), np.uint8)
    for top in range(0, height, rows):
        converted[top : top + rows] = convert(values[top : top + rows])
    return converted


def _coloured(values, header, value_range):
    from pydicom.pixels import apply_color_lut

    colours = apply_color_lut(values, header)[..., :3]
    full_range = (0, 2 ** (8 * colours.itemsize) - 1)
    return pixels.to_uint8(pixels.to_uint8(colours, *full_range), *(value_range or (0, 255)))


def _shades(header, value_range, range_of_16_bits):
    """Returns a function that converts an array of stored grey values to uint8."""
    from pydicom.pixels import apply_modality_lut, apply_windowing

    rescaling, window_table = _table(header, "ModalityLUTSequence"), _table(header, "VOILUTSequence")

    def rescaled(values):
        if not np.isfinite(values).all():
            raise UserError("holds NaN or infinity")
        return rescaling.of(values) if rescaling else apply_modality_lut(values, header)

    def windowed(values):
        return window_table.of(rescaled(values)) if window_table else apply_windowing(rescaled(values), header)

    shown = rescaled
    if value_range is not None:
        low, high = value_range
    elif window_table:
        (low, high), shown = window_table.range, windowed
    elif _has_window(header):
        # pydicom maps the window to all values that the file could hold; these are what its ends become.
        (low, high), shown = _apart(*apply_windowing(np.array([-1e30, 1e30]), header)), windowed
    elif rescaling:
        low, high = rescaling.range
    else:
        low, high = _apart(*_range(header, range_of_16_bits))
    return lambda values: pixels.to_uint8(shown(values), low, high)


class _Table(NamedTuple):
    """A lookup table: the entry of value `first`, and of those that follow."""

    first: int
    entries: np.ndarray

    def of(self, values) -> np.ndarray:
        """Looks values up; those before the table have its first entry, those behind it the last."""
        places = np.rint(values).clip(self.first, self.first + len(self.entries) - 1) - self.first
        return self.entries[places.astype(np.int32)]

    @property
    def range(self) -> tuple[int, int]:
        """0 and the greatest number of as many bits as the entries need: files often declare too many."""
        return 0, 2 ** max(8, int(self.entries.max()).bit_length()) - 1


def _table(header, name) -> _Table | None:
    """The first lookup table of a sequence, read by pydicom; None where there is none."""
    from pydicom.dataset import Dataset
    from pydicom.pixels import apply_modality_lut, apply_voi

    tables = header.get(name)
    if not tables or tables[0].get("LUTDescriptor") is None or tables[0].get("LUTData") is None:
        return None
    # Of 12 bits pydicom takes no table that rescales, and of 8 bits no window of more than 256 entries.
    deep, alone = Dataset(), Dataset()
    deep.update(tables[0])
    deep.LUTDescriptor = [*deep.LUTDescriptor[:2], 16]
    setattr(alone, name, [deep])
    alone.file_meta = header.file_meta
    count, first = int(deep.LUTDescriptor[0]) or 2**16, int(deep.LUTDescriptor[1])
    read = apply_modality_lut if name == "ModalityLUTSequence" else apply_voi
    return _Table(first, read(np.arange(first, first + count, dtype=np.int32), alone))


def _range(header, range_of_16_bits):
    """The values, rescaled, that become 0 and 255 where neither the user nor the file says it."""
    bits, is_signed = header.get("BitsStored"), header.get("PixelRepresentation")
    if _is_in_hounsfield_units(header):
        return HOUNSFIELD_RANGE
    if not bits or bits > 16 or is_signed or header.get("Modality") == PET:
        raise UserError(NEEDS_RANGE)
    low, high = range_of_16_bits if bits == 16 else (0, 2**bits - 1)
    if not _is_rescaled(header):
        return low, high
    slope, intercept = float(header.RescaleSlope), float(header.RescaleIntercept)
    return tuple(sorted((low * slope + intercept, high * slope + intercept)))


def _apart(low, high) -> tuple[float, float]:
    """Two ends of a range, which a slope of 0 makes one."""
    if low == high or not np.isfinite((low, high)).all():
        raise UserError(NEEDS_RANGE)
    return low, high


def _has_rescale(header) -> bool:
    return header.get("RescaleSlope") is not None and header.get("RescaleIntercept") is not None


def _is_in_hounsfield_units(header) -> bool:
    return _has_rescale(header) and (header.get("Modality") == "CT" or header.get("RescaleType") == "HU")


def _is_rescaled(header) -> bool:
    return _has_rescale(header) and (header.RescaleSlope, header.RescaleIntercept) != (1, 0)


def _has_window(header) -> bool:
    """Whether there is a window that can be applied: some files have one without a width."""
    if header.get("BitsStored") is None or header.get("PixelRepresentation") is None:
        return False
    center, width = _first_number(header, "WindowCenter"), _first_number(header, "WindowWidth")
    least = 1 if str(header.get("VOILUTFunction") or "LINEAR").upper() == "LINEAR" else np.finfo(np.float32).tiny
    return center is not None and width is not None and np.isfinite(center) and least <= width < np.inf


def _first_number(header, name) -> float | None:
    value = header.get(name)
    try:
        return float(value if isinstance(value, int | float | str) else value[0])
    except (TypeError, ValueError, IndexError):
        return None
