"""What a distance means, in words."""

import math

# From so many times the SWD of real images on; below the last, colours and textures are like theirs. SWD does not see more
# than those: images may be near in it and still show nothing, so no phrase here calls an image real.
PHRASES = (
    (10.0, "nothing like real images yet"),
    (5.0, "far from real images"),
    (2.5, "some way from real images"),
    (1.5, "colours and textures near those of real images"),
    (0.0, "colours and textures like those of real images"),
)


REFERENCE_IMAGES = 1024  # The phrases are for SWD by so many images; by fewer, all of them seem unlike each other.


def how_far(swd: float, floor: float, images: int) -> str:
    """How far from real images those are whose SWD is `swd`; `floor`, above 0, is the SWD of other real images, and both
    are measured by as many `images`.

    Chance adds to a distance as noise does, in squares, and falls with the root of the number of images. So what is above
    `floor` is the same by any number, and is put above the floor that 1,024 images would have.
    """
    above = math.sqrt(max(swd**2 - floor**2, 0.0))
    reference = floor * math.sqrt(images / REFERENCE_IMAGES)
    return next(phrase for least, phrase in PHRASES if math.hypot(above, reference) >= least * reference)
