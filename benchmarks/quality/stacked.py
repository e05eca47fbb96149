"""Stacked MNIST: three digits drawn at random as red, green and blue, 1,000 modes of which a generator may lose some.

As in PacGAN (Lin et al. 2018, arXiv:1712.04086), after Srivastava et al. 2017 (arXiv:1705.07761): 128,000 images to train
on, 26,000 samples whose modes a classifier of digits tells.
"""

from pathlib import Path

import numpy as np

IMAGES, SAMPLES = 128_000, 26_000
BLOCK_IMAGES = 4096  # So many images are stacked at a time.


def make(digits: str, path: Path, images: int = IMAGES, seed: int = 0) -> None:
    """Writes uint8 [images, H, W, 3] to a .npy file; channels are images of `digits`, drawn with replacement."""
    from dcgan_tf.common.files import whole_file
    from dcgan_tf.data.sources import open_source

    source = open_source(digits)
    drawn = np.random.default_rng([seed, *b"stacked"]).integers(len(source), size=[images, 3])
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as beside:
        # open_memmap fills the file as it goes: 300 MB need not be in memory.
        stacked = np.lib.format.open_memmap(beside, "w+", np.uint8, (images, *source.image_shape[:2], 3))
        for start in range(0, images, BLOCK_IMAGES):
            some = drawn[start : start + BLOCK_IMAGES]
            # [n * 3, H, W, 1] -> [n, 3, H, W] -> [n, H, W, 3]
            read = source.read(some.reshape(-1))[..., 0].reshape(*some.shape, *source.image_shape[:2])
            stacked[start : start + BLOCK_IMAGES] = np.moveaxis(read, 1, -1)
        stacked.flush()


def modes(images, classifier: Path) -> dict[str, float]:
    """How many of the modes a source of images covers, and the divergence, in nats, from all modes alike.

    classifier: a file of `dcgan-tf train-features`, of grey images.
    """
    from dcgan_tf.evaluate.classifier import class_names, predict_stacked
    from dcgan_tf.metrics import diversity

    count = len(class_names(classifier)) ** 3
    share, divergence = diversity.modes(predict_stacked(classifier, images), count)
    return {"covered": round(share * count), "of": count, "divergence": divergence, "samples": len(images)}
