"""Sets that have a name: one comes along with scikit-learn, the others are downloaded once by Keras."""

import os
from http.client import HTTPException
from pathlib import Path

import numpy as np

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.data.arrays import array_source
from dcgan_tf.data.source import ImageSource, Wanted

# Sets that Keras downloads, and what each is called below Keras's own folder `datasets`.
DOWNLOADED_SETS = {
    "mnist": "mnist.npz",
    "fashion_mnist": "fashion-mnist",
    "cifar10": "cifar-10-batches-py-target*",
}
NAMED_SETS = ("digits", *DOWNLOADED_SETS)


def named_set(name, wanted: Wanted) -> ImageSource:
    """Makes the source of a set of NAMED_SETS.

    Raises:
        UserError: it has to be downloaded, and cannot be; or the copy that there is is damaged.
    """
    if name == "digits":
        from sklearn.datasets import load_digits  # Importing it takes half a second.

        digits = load_digits()
        wanted = wanted._replace(value_range=wanted.value_range or (0, 16))
        return array_source(name, digits.images, wanted, what=name, labels=digits.target)
    images, labels = _download(name)
    return array_source(name, images, wanted, what=name, labels=np.reshape(labels, -1))


def _download(name):
    """Returns the training images and labels of a set, from Keras's own cache or downloaded into it."""
    from dcgan_tf.common.backend import keras

    try:
        (images, labels), _ = getattr(keras.datasets, name).load_data()
    except Exception as error:  # The downloader raises a bare Exception, a damaged file almost anything.
        offline = isinstance(error, (ConnectionError, TimeoutError, HTTPException))
        if offline or "URL fetch failure" in str(error):
            # Keras words it as "URL fetch failure on <url>: <code> -- <reason>".
            reason = printable(str(error).rpartition(" -- ")[2])
            raise UserError(
                f"--data {name} has to be downloaded once, and the download failed ({reason}): "
                "go online, or use --data digits, which needs no download"
            ) from error
        kept = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "datasets" / DOWNLOADED_SETS[name]
        raise UserError(
            f"--data {name}: the downloaded copy cannot be read: delete {printable(kept)} and run the same command "
            "again, or use --data digits, which needs no download"
        ) from error
    return images, labels
