"""The weights of Inception-v3 as Keras has them, the net behind `--features inception`: found, or downloaded."""

import hashlib
import os
import socket
import urllib.parse
from pathlib import Path

from dcgan_tf.common.backend import keras
from dcgan_tf.common.console import say
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import whole_file
from dcgan_tf.common.progress import Work
from dcgan_tf.config.commands import MEASURES, NEED_FEATURES

DOWNLOAD_TIMEOUT_SECONDS = 30  # A download has failed once it brings no byte for so long.

# The file that keras.applications.InceptionV3(include_top=False) downloads to Keras's own folder.
INCEPTION_URL = (
    "https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/"
    "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
)
INCEPTION_MD5 = "bcbd6486424b2319ff4ef7d526e38f63"
INCEPTION_SIZE = "88 MB"
_OTHERS = [name for name in MEASURES if name not in NEED_FEATURES]
WITHOUT_FEATURES = f"{', '.join(_OTHERS[:-1])} and {_OTHERS[-1]} need no such file"


def feature_net(weights: Path) -> keras.Model:
    """Pixels, float32 [n, 299, 299, 3], 0..255, to features, [n, 2048]: the last ones, their mean over space.

    weights: the file, see `inception_weights`.
    """
    net = keras.applications.InceptionV3(include_top=False, pooling="avg", weights=str(weights))
    scaled = keras.layers.Rescaling(1 / 127.5, -1)
    pixels = keras.Input([299, 299, 3])
    return keras.Model(pixels, net(scaled(pixels)))


def inception_weights() -> Path:
    """The file of the weights of Inception-v3, where Keras itself looks for it; it is downloaded if it is not there.

    Raises:
        UserError: it cannot be downloaded, or is not whole.
    """
    home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    path = home / "models" / INCEPTION_URL.rpartition("/")[2]
    if not path.is_file():
        _download(INCEPTION_URL, path)
    if not _is_whole(path):
        raise UserError(
            f"{printable(path)} is not the whole file of weights: delete it and run the same command again, online; "
            f"{WITHOUT_FEATURES}"
        )
    return path


def _is_whole(path: Path) -> bool:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest() == INCEPTION_MD5


def _download(url: str, path: Path) -> None:
    host = urllib.parse.urlsplit(url).netloc
    say(f"downloading the weights of Inception-v3 ({INCEPTION_SIZE}) from {host} to {printable(path)}")
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT_SECONDS)
    try:
        with Work("downloading"), whole_file(path) as beside:
            beside.unlink()  # Keras downloads only a file that is not there.
            keras.utils.get_file(beside.name, url, cache_dir=beside.parent.parent, cache_subdir=beside.parent.name)
    except UserError:
        raise
    except Exception as error:  # Keras raises a bare Exception, sockets raise errors of their own.
        reason = printable(str(error).rpartition(" -- ")[2])
        raise UserError(
            f"--features inception: its weights cannot be downloaded ({reason}): put {url} at {printable(path)} "
            f"yourself, or give --features imagenet or FILE.keras; {WITHOUT_FEATURES}"
        ) from error
    finally:
        socket.setdefaulttimeout(patience)
