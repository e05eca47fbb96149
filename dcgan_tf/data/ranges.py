"""Of how many bits the values of a set of images are, told by the greatest value."""


def bits_of(most: int) -> int | None:
    """10, 12, 14 or 16, where the greatest value of a set needs exactly these bits or the last of them.

    That is 10 for 512..1,023, 12 for 2,048..4,095, 14 for 8,192..16,383 and 16 for 32,768..65,535: cameras, scanners and
    detectors have these depths, and a set of their images nearly always reaches the upper half. None for all others.
    """
    return most.bit_length() if 0 < most <= 65535 and most.bit_length() in (10, 12, 14, 16) else None
