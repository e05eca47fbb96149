"""What was found in a set of images, as one HTML file with the pictures inside."""

import base64
import io
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from dcgan_tf.common.errors import printable
from dcgan_tf.common.pixels import spread
from dcgan_tf.config.commands import InspectConfig
from dcgan_tf.inspection.findings import Findings
from dcgan_tf.inspection.report import name_of

MAX_GROUPS, MAX_GROUP_IMAGES, MAX_IMAGES = 40, 6, 20  # keep the page below about 4 MB
THUMBNAIL_SIDE_PIXELS, JPEG_QUALITY = 144, 80
FRAME_COLOUR, FRAME_PIXELS = (255, 0, 80), 2


class Shown(NamedTuple):
    """A picture, as a data URI, and the words below it."""

    uri: str
    caption: str


class Section(NamedTuple):
    """A heading, a sentence, and rows of pictures."""

    title: str
    text: str
    rows: list[list[Shown]]


def page(found: Findings, config: InspectConfig, report: str) -> str:
    """The page. Names of files are escaped: they may hold anything."""
    import jinja2

    environment = jinja2.Environment(loader=jinja2.PackageLoader("dcgan_tf.inspection"), autoescape=True)
    title = f"Inspection of {printable(config.data)}"
    template = environment.get_template("inspection.html")
    return template.render(title=title, report=report, sections=_sections(found, config.reading.crop))


def _sections(found, crop) -> list[Section]:
    sections = [
        _groups(found, "Equal", "Images with equal pixels: the first of each group is worth keeping.",
                [(group, np.zeros(len(group), bool)) for group in found.exact]),
        _groups(found, "The same picture", "With other pixels: of other quality or size, cropped, or mirrored.", found.near),
        *(
            Section(title, _count(len(indices), text), [[_shown(found, index) for index in indices[:MAX_IMAGES]]])
            for title, text, indices in (
                ("Flat", "One colour but for noise.", found.flat),
                ("Nearly black", "They show little.", found.black),
                ("Nearly white", "They show little.", found.white),
                ("Blurry", "Softer than the rest of the set.", found.blurry),
                ("Grey or coloured, unlike most", "A net would be trained on both.", found.other),
                ("The oddest", "Farthest from the rest, the oddest first; they may be fine.", found.odd),
            )
        ),
        _examples(found, crop),
    ]  # fmt: skip
    return [section for section in sections if section.rows and section.rows[0]]


def _count(count, text) -> str:
    return f"{count:,}" + (f", of which {MAX_IMAGES} are shown" if count > MAX_IMAGES else "") + f". {text}"


def _groups(found, title, text, groups) -> Section:
    rows = []
    for indices, mirrored in groups[:MAX_GROUPS]:
        members = list(zip(indices.tolist(), mirrored.tolist()))
        row = [_shown(found, index, " (mirrored)" if turned else "") for index, turned in members[:MAX_GROUP_IMAGES]]
        if len(members) > MAX_GROUP_IMAGES:
            row[-1] = row[-1]._replace(caption=f"{row[-1].caption} and {len(members) - MAX_GROUP_IMAGES:,} more")
        rows.append(row)
    more = f", of which {MAX_GROUPS} are shown" if len(groups) > MAX_GROUPS else ""
    return Section(title, f"Groups: {len(groups):,}{more}. {text}", rows)


def _examples(found, crop) -> Section:
    cuts = crop in ("center", "random")
    text = {
        "center": "The frame is what training sees; the rest is cut off.",
        "random": "Training sees a part of the size of the frame, at another place in every epoch.",
    }.get(crop, f"Nothing is cut off (--crop {crop}).")
    shape = found.source.image_shape[:2] if cuts else None
    indices = spread(len(found.looks), MAX_IMAGES)
    return Section("Examples", text, [[_shown(found, index, shape=shape) for index in indices]])


def _shown(found, index, more="", shape=None) -> Shown:
    """shape: (H, W) whose crop is framed, or None."""
    source = found.source
    image = source.read([index])[0] if source.stored is None else source.stored(int(index))[0]
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).convert("RGB")
    picture.thumbnail((THUMBNAIL_SIDE_PIXELS, THUMBNAIL_SIDE_PIXELS))
    if shape is not None:
        _frame(picture, shape)
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=JPEG_QUALITY)
    height, width = found.looks["size"][index]
    caption = f"{name_of(found, index)} {width}x{height}{more}"
    return Shown("data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode(), caption)


def _frame(picture, shape) -> None:
    scale = min(picture.width / shape[1], picture.height / shape[0])
    width, height = shape[1] * scale, shape[0] * scale
    left, top = (picture.width - width) / 2, (picture.height - height) / 2
    box = (left, top, left + width - 1, top + height - 1)
    ImageDraw.Draw(picture).rectangle(box, outline=FRAME_COLOUR, width=FRAME_PIXELS)
