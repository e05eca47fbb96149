import numpy as np

from dcgan_tf.inspection.looks import LOOK
from dcgan_tf.inspection.sizes import Sizes, histogram_text, sizes_of


def looks_of(*sizes):
    looks = np.zeros(len(sizes), LOOK)
    looks["size"] = sizes
    return looks


def test_bins_extremes_and_ratios():
    looks = looks_of((100, 80), (64, 64), (63, 200), (100, 125), (300, 90), (3000, 2100), (96, 96), (64, 70))
    assert sizes_of(looks) == Sizes(
        bins=[
            (32, 63, 1),
            (64, 95, 4),
            (96, 127, 2),
            (128, 191, 0),
            (192, 255, 0),
            (256, 511, 0),
            (512, 1023, 0),
            (1024, 2047, 0),
            (2048, None, 1),
        ],
        smallest=((63, 200), 2),
        largest=((3000, 2100), 5),
        median_ratio=1.0,
        wide_share=2 / 8,  # 200 to 63 and 125 to 100
        tall_share=3 / 8,  # 80 to 100 is 1 to 1.25
    )


def test_one_size():
    found = sizes_of(looks_of((28, 28), (28, 28)))
    assert found == Sizes([(1, 31, 2)], ((28, 28), 0), ((28, 28), 0), 1.0, 0.0, 0.0)
    assert histogram_text(found) == "1 to 31  2  " + "#" * 30


def test_the_histogram_in_words():
    found = sizes_of(looks_of(*[(70, 70)] * 1200, *[(130, 140)] * 600, (200, 5000), (4000, 4000)))
    assert histogram_text(found, 10).splitlines() == [
        "64 to 95       1,200  ##########",
        "96 to 127          0",
        "128 to 191       600  #####",
        "192 to 255         1  #",
        "256 to 511         0",
        "512 to 1023        0",
        "1024 to 2047       0",
        "2048 and more      1  #",
    ]
