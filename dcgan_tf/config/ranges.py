"""The values that a flag takes, stated beside the flag: `epochs: Annotated[Maybe[int], AT_LEAST_1]`."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Range:
    """words: what a value must be, such as "at least 1". holds: whether a value is. form: how a value is shown."""

    words: str
    holds: Callable[[float], bool]
    form: str = ""


def at_least(number: int) -> Range:
    return Range(f"at least {number}", lambda value: value >= number)


AT_LEAST_0, AT_LEAST_1 = at_least(0), at_least(1)
Size = Annotated[int, AT_LEAST_1]
NOT_NEGATIVE = Range("0 or more", lambda value: 0 <= value < math.inf, "g")
LEARNING_RATE = Range("above 0 and below 1, such as 0.0002", lambda value: 0 < value < 1)
DECAY = Range("at least 0 and below 1, such as 0.995", lambda value: 0 <= value < 1, "g")
GAIN = Range("at least 1 and at most 2, such as 1.05", lambda value: 1 <= value <= 2, "g")
BELOW_2_TO_31 = Range("below 2147483648", lambda value: value < 2**31)
SEED = Range("at least 0 and below 2147483648", lambda value: 0 <= value < 2**31)
SEED_COUNT = Range("from 1 to 1000", lambda value: 1 <= value <= 1000)
TRUNCATION = Range("above 0 and at most 1, such as 0.7", lambda value: 0 < value <= 1, "g")
TOLERANCE = Range("above 0 and at most 2, such as 0.01", lambda value: 0 < value <= 2, "g")
PICTURE_PIXELS = Range("from 1 to 16384 pixels", lambda value: 1 <= value <= 16_384)
FPS = Range("from 1 to 50", lambda value: 1 <= value <= 50, "g")
CHANNELS = Range("1 or 3", lambda value: value in (1, 3))
SHARE = Range("above 0 and below 1, such as 0.1", lambda value: 0 < value < 1, "g")
SHARDS = Range("from 1 to 99999", lambda value: 1 <= value < 100_000)
