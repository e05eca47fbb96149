"""What a distance means, in words."""

# From so many times the SWD of real images on; below the last, colours and textures are like theirs. SWD does not see more
# than those: images may be near in it and still show nothing, so no phrase here calls an image real.
PHRASES = (
    (10.0, "nothing like real images yet"),
    (5.0, "far from real images"),
    (2.5, "some way from real images"),
    (1.5, "colours and textures near those of real images"),
    (0.0, "colours and textures like those of real images"),
)


def how_far(swd: float, floor: float) -> str:
    """How far from real images those are whose SWD is `swd`; `floor`, above 0, is the SWD of other real images."""
    return next(phrase for least, phrase in PHRASES if swd >= least * floor)
