"""What is asked of images beside their size: how they are cut, which are taken. Every command that opens images has it."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from dcgan_tf.config.flags import OF_DATA, Maybe, OnOff, Shown
from dcgan_tf.config.ranges import CHANNELS

REFLECT = "reflect"
DEFAULT_BORDER = "white"  # Transparent images are put on white, too.


@dataclass(frozen=True)
class Reading:
    """How the stored images become those of a set."""

    crop: Annotated[Literal["center", "random", "pad", "stretch"], OF_DATA] = "center"
    """Of images of another shape. center: the middle is cut out. random: another part in every
    epoch. pad: all is kept, with a border around. stretch: all is
    kept, distorted."""
    border_colour: Annotated[Maybe[str], OF_DATA, Shown("COLOUR")] = None
    """With --crop pad: white, black, another name or #rrggbb; or reflect, which mirrors the image. Default: white."""
    trim: Annotated[OnOff, OF_DATA] = "off"
    """Cut off the flat margins of each image first: the paper round a drawing, the black round a scan."""
    channels: Annotated[Maybe[int], OF_DATA, CHANNELS] = None
    """1 makes all images grey, 3 makes them colour. Default: those of a named preset, else by what the images show."""
    classes: Annotated[tuple[str, ...], OF_DATA, Shown("CLASS ...")] = ()
    """Take the images of these classes alone: names of folders, numbers of labels, or patterns such as 'dog*'. Default: all."""
    frames: Annotated[Literal["first", "all"], OF_DATA] = "first"
    """Of files with several images, such as a TIFF of many pages, a GIF or a DICOM file: the first, or all."""
    drop_duplicates: Annotated[bool, OF_DATA] = False
    """Leave out images that are equal to an earlier one, pixel by pixel."""

    @property
    def of_any_set(self) -> "Reading":
        """The same for other images: without what chooses among those of one set."""
        return replace(self, classes=(), drop_duplicates=False)


AS_STORED = Reading()
