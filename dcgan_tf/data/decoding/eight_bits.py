"""Turns Pillow images of any mode into 8 bits per channel, on white where they are transparent; large ones in bands."""

import contextlib
import sys

import numpy as np
from PIL import Image

from dcgan_tf.common import pixels
from dcgan_tf.common.errors import UserError

BAND_PIXELS = 2**22  # Larger images are converted in bands, so that a conversion takes no multiple of the image.
ALL_OF_16_BITS = (0, 65535)
BITS_PER_SAMPLE_TAG = 258
# Of 16-bit colours Pillow takes the upper byte. Told that they are in the other order, it takes the lower one.
_OTHER_BYTE = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}


def to_8_bits(image, value_range, range_of_16_bits=ALL_OF_16_BITS):
    """Converts a Pillow image of any mode to L or RGB.

    value_range: the stored values that become 0 and 255; None means 0..255 for 8 bits, and for 16 bits the other range.
    """
    if value_range is None and image.mode in ("L", "RGB") and not image.has_transparency_data:
        return image
    width, height = image.size
    if width * height <= BAND_PIXELS:
        return _band_to_8_bits(image, value_range, range_of_16_bits)
    rows = max(1, BAND_PIXELS // width)
    converted = None
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = _band_to_8_bits(image.crop((0, top, width, bottom)), value_range, range_of_16_bits)
        converted = converted or Image.new(band.mode, image.size)
        converted.paste(band, (0, top))
    return converted


def _band_to_8_bits(image, value_range, range_of_16_bits):
    sixteen_bits = image.mode.startswith("I;16")
    if sixteen_bits or image.mode in ("I", "F"):
        if value_range is None and not sixteen_bits:
            raise UserError("32-bit values: give --value-range LO HI")
        values = np.asarray(image)
        if not np.isfinite(values).all():
            raise UserError("holds NaN or infinity")
        return Image.fromarray(pixels.to_uint8(values, *(value_range or range_of_16_bits)))

    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("L" if image.mode in ("1", "L") else "RGB")
    if value_range is None:
        return image
    table = pixels.to_uint8(np.arange(256, dtype=np.uint8), *value_range)
    return image.point(table.tolist() * len(image.getbands()))


def bit_depth(image) -> int:
    """How many bits each channel of a Pillow image has in the file: 1 to 32. Ask before it is loaded."""
    if image.format == "TIFF":
        return int(image.tag_v2.get(BITS_PER_SAMPLE_TAG, (1,))[0])
    raw_mode = _raw_mode(image)
    for bits in (1, 2, 4, 16):  # Of PNG: "P;4", "RGB;16B".
        if raw_mode.endswith((f";{bits}", f";{bits}B")) or raw_mode == str(bits):
            return bits
    return 8


def keeps_upper_bytes(image) -> bool:
    """Whether the image has 16 bits in the file, of which Pillow keeps the upper 8. Ask before it is loaded."""
    return not image.mode.startswith("I") and ";16" in _raw_mode(image)


def has_joinable_bytes(image) -> bool:
    """Whether Pillow can be made to load the other 8 bits, too; see `take_lower_bytes`. Ask before it is loaded."""
    return image.mode in ("RGB", "RGBA") and _raw_mode(image).startswith(("RGB;16", "RGBA;16"))


def take_lower_bytes(image) -> None:
    """Makes Pillow load the lower 8 bits of 16-bit colours in place of the upper ones."""
    layout, order = _raw_mode(image).split(";")
    other = f"{layout};{_OTHER_BYTE[order]}"
    image.tile = [
        tile._replace(args=other if isinstance(tile.args, str) else (other, *tile.args[1:])) for tile in image.tile
    ]


def join_bytes(upper, lower) -> np.ndarray:
    """Joins the two bytes of 16-bit colours, images of RGB or RGBA: uint16 [H, W, 3]. Transparency is left out."""
    values = np.asarray(upper)[..., :3].astype(np.uint16)
    values <<= 8
    values |= np.asarray(lower)[..., :3]
    return values


def joined_to_8_bits(upper, lower, values) -> Image.Image:
    """Joins the two bytes of 16-bit colours, and converts them to 8 bits: RGB, on white where they are transparent.

    upper, lower: Pillow images of RGB or RGBA. values: those that become 0 and 255.
    """
    converted = Image.fromarray(pixels.to_uint8(join_bytes(upper, lower), *values))
    if upper.mode == "RGBA":
        converted.putalpha(upper.getchannel("A"))
    return to_8_bits(converted, None)


def _raw_mode(image) -> str:
    """How Pillow will read the bytes of a channel, such as "RGB;16B"; empty where its decoder alone knows."""
    with contextlib.suppress(IndexError, AttributeError, TypeError):
        arguments = image.tile[0].args
        return str(arguments if isinstance(arguments, str) else arguments[0])
    return ""
