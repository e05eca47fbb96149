"""What a distance means, in words, and how the numbers of a run are shown."""

import math

NEAR_SWD = 2.5  # Below so many times the SWD of real images, colours and textures are near theirs.
# From so many times the SWD of real images on; below the last, colours and textures are like theirs. SWD does not see more
# than those: images may be near in it and still show nothing, so no phrase here calls an image real.
PHRASES = (
    (10.0, "nothing like real images yet"),
    (5.0, "far from real images"),
    (NEAR_SWD, "some way from real images"),
    (1.5, "colours and textures near those of real images"),
    (0.0, "colours and textures like those of real images"),
)
REFERENCE_IMAGES = 1024  # The phrases are for SWD by so many images; by fewer, all of them seem unlike each other.
# From so large a share of the KID of real images whose parts are jumbled on, in the features of ImageNet. To compare, of
# paintings and of emoji of 64x64: other real ones have 0.00; real ones halved and enlarged again 0.10 and 0.12, quartered
# 0.38 and 0.40; those whose quarters have changed places 0.06 and 0.29.
PHRASES_IN_FEATURES = (
    (0.5, "nothing like real images yet"),
    (0.2, "far from real images"),
    (0.06, "some way from real images"),
    (0.02, "near real images"),
    (-math.inf, "like real images"),
)
SHOWN = {"swd": ("SWD", "{:.1f}"), "kid": ("KID", "{:.3f}"), "recall": ("recall", "{:.2f}")}  # {name: (head, form)}
OF_REALS, KID_OF_JUMBLED = "_of_real_images", "kid_of_jumbled_images"  # in best.json: "swd_of_real_images", ...
SWD_OF_REALS = f"swd{OF_REALS}"


def how_far_in_features(kid: float, kid_of_jumbled: float) -> str:
    """How far from real images those are whose KID in the features of ImageNet is `kid`.

    kid_of_jumbled: that of real images whose parts are jumbled, above 0.
    """
    return next(phrase for least, phrase in PHRASES_IN_FEATURES if kid >= least * kid_of_jumbled)


def shown(name: str, value: float) -> str:
    """Such as "SWD 18.2". name: one of SHOWN."""
    head, form = SHOWN[name]
    return f"{head} {form.format(value)}"


def shown_beside(scores: dict[str, float]) -> str:
    """Such as "SWD 18.2 (real images 11.2), KID 0.148 (0.001)": of what was measured, beside that of real images.

    scores: by the names in best.json.
    """
    said = [f"{shown(name, scores[name])} ({SHOWN[name][1].format(scores[name + OF_REALS])})" for name in SHOWN
            if name + OF_REALS in scores]  # fmt: skip
    return ", ".join(said).replace("(", "(real images ", 1)


def how_far_from_real(scores: dict[str, float]) -> str:
    """By KID where that was measured, as SWD sees colours and textures only; "" where real images' scores are not known.

    scores: by the names in best.json.
    """
    jumbled, floor = (scores.get(name, 0.0) for name in (KID_OF_JUMBLED, SWD_OF_REALS))
    if "kid" in scores and jumbled > 0:
        return how_far_in_features(scores["kid"], jumbled)
    return how_far(scores["swd"], floor, scores.get("images", REFERENCE_IMAGES)) if floor > 0 else ""


def how_far(swd: float, floor: float, images: int) -> str:
    """How far from real images those are whose SWD is `swd`; `floor`, above 0, is the SWD of other real images, and both
    are measured by as many `images`."""
    distance, reference = _by_reference_images(swd, floor, images)
    return next(phrase for least, phrase in PHRASES if distance >= least * reference)


def has_near_textures(scores: dict[str, float]) -> bool:
    """Whether colours and textures are near those of real images, as SWD sees it; so it is taken to be where that is not
    known.

    scores: by the names in best.json.
    """
    floor = scores.get(SWD_OF_REALS, 0.0)
    if floor <= 0 or "swd" not in scores:
        return True
    distance, reference = _by_reference_images(scores["swd"], floor, scores.get("images", REFERENCE_IMAGES))
    return distance < NEAR_SWD * reference


def _by_reference_images(swd: float, floor: float, images: int) -> tuple[float, float]:
    """A distance and that of other real images, as 1,024 images would give them.

    Chance adds to a distance as noise does, in squares, and falls with the root of the number of images. So what is above
    `floor` is the same by any number, and is put above the floor that 1,024 images would have.
    """
    above = math.sqrt(max(swd**2 - floor**2, 0.0))
    reference = floor * math.sqrt(images / REFERENCE_IMAGES)
    return math.hypot(above, reference), reference
