"""What a distance means, in words, and how the numbers of a run are shown."""

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


# From so much KID in the features of ImageNet on. To compare, of paintings and of emoji of 64x64: other real ones have
# 0.001 and 0.001; real ones halved and enlarged again 0.06 and 0.08, quartered 0.23 and 0.26; those whose quarters have
# changed places 0.04 and 0.19, whose tiles of 8x8 have 0.49 and 0.81.
PHRASES_IN_FEATURES = (
    (0.3, "nothing like real images yet"),
    (0.1, "far from real images"),
    (0.03, "some way from real images"),
    (0.01, "near real images"),
    (-math.inf, "like real images"),
)


def how_far_in_features(kid: float) -> str:
    """How far from real images those are whose KID in the features of ImageNet is `kid`."""
    return next(phrase for least, phrase in PHRASES_IN_FEATURES if kid >= least)


SHOWN = {"swd": ("SWD", "{:.1f}"), "kid": ("KID", "{:.3f}"), "recall": ("recall", "{:.2f}")}


def shown(name: str, value: float) -> str:
    """Such as "SWD 18.2". name: one of SHOWN."""
    head, form = SHOWN[name]
    return f"{head} {form.format(value)}"


def shown_beside(scores: dict[str, float], floors: dict[str, float]) -> str:
    """Such as "SWD 18.2 (real images 11.2), KID 0.148 (0.001)": of what was measured, beside that of real images."""
    named = [name for name in SHOWN if name in floors]
    said = [f"{shown(name, scores[name])} ({SHOWN[name][1].format(floors[name])})" for name in named]
    return ", ".join(said).replace("(", "(real images ", 1)


def how_far_from_real(scores: dict[str, float], floors: dict[str, float], images: int) -> str:
    """By KID where that was measured, as SWD sees colours and textures only. images: by how many SWD was measured."""
    return how_far_in_features(scores["kid"]) if "kid" in scores else how_far(scores["swd"], floors["swd"], images)


def how_far(swd: float, floor: float, images: int) -> str:
    """How far from real images those are whose SWD is `swd`; `floor`, above 0, is the SWD of other real images, and both
    are measured by as many `images`.

    Chance adds to a distance as noise does, in squares, and falls with the root of the number of images. So what is above
    `floor` is the same by any number, and is put above the floor that 1,024 images would have.
    """
    above = math.sqrt(max(swd**2 - floor**2, 0.0))
    reference = floor * math.sqrt(images / REFERENCE_IMAGES)
    return next(phrase for least, phrase in PHRASES if math.hypot(above, reference) >= least * reference)
