import json

import pytest

from dcgan_tf.common.seals import check_seal, checksum_of, sealed

BEST = {"epoch": 7, "swd": 45.4, "names": ["a", "ü"], "none": None}


def test_a_seal_survives_the_way_through_a_file_in_any_order():
    read = json.loads(json.dumps(sealed(BEST)))
    check_seal(read)
    check_seal(dict(reversed(read.items())))
    assert {name: value for name, value in read.items() if name != "checksum"} == BEST
    assert checksum_of({"a": 1, "b": (2, 3)}) == checksum_of({"b": [2, 3], "a": 1})


def test_every_bit_that_flips_in_the_text_is_found():
    text = json.dumps(sealed(BEST)).encode()
    for at in range(len(text)):
        for bit in range(8):
            damaged = bytearray(text)
            damaged[at] ^= 1 << bit
            try:
                value = json.loads(damaged)
            except ValueError:
                continue
            if "checksum" in value and value != sealed(BEST):
                with pytest.raises(
                    ValueError, match="^its checksum is wrong; where you changed it on purpose, delete "
                ):
                    check_seal(value)


@pytest.mark.parametrize("value", [BEST, {}, [], None, "checksum"])
def test_what_has_no_seal_passes(value):
    check_seal(value)
