"""Feature spaces: each image becomes the output of the last hidden layer of a trained image classifier."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.fit import Fit
from dcgan_tf.common.pixels import to_channels
from dcgan_tf.common.progress import Work
from dcgan_tf.config.commands import IMAGENET
from dcgan_tf.metrics import imagenet, inception
from dcgan_tf.nets.saved import load_net
from dcgan_tf.nets.words import reason

BATCH_IMAGES = 64  # A net sees so many images at once.


@dataclass(frozen=True)
class FeatureSpace:
    """A net up to its last hidden layer.

    name         "imagenet", "inception", or the file's name
    dimension    the number of features of an image
    image_shape  (H, W, C) that the net takes; images of other sizes and channels are made to fit
    run          float32 [n, H, W, C], 0..255 -> float32 [n, dimension]
    fingerprint  16 hex digits of the file's content, which tell a net from another of its name; "" where there is no file
    """

    name: str
    dimension: int
    image_shape: tuple[int, int, int]
    run: object
    fingerprint: str = ""

    def extract(self, source, indices=None) -> np.ndarray:
        """Features, float32 [n, dimension], of the images of a source at `indices` (int [n]), or of all.

        Images are resized with antialiasing so that they cover the net's input, and cropped to their centre; grey ones
        are repeated to 3 channels, and colour made grey, as the net needs. Only a batch is in memory at a time.

        Raises:
            UserError: an image cannot be read, or the net fails on one, or turns it into NaN or infinity.
        """
        indices = np.arange(len(source)) if indices is None else np.asarray(indices, np.int64)
        features = np.empty([len(indices), self.dimension], np.float32)
        with Work("features", len(indices), "image") as bar:
            for start in range(0, len(indices), BATCH_IMAGES):
                images = self.fitted(source.read(indices[start : start + BATCH_IMAGES]))
                try:
                    features[start : start + len(images)] = self.run(images.astype(np.float32))
                except tf.errors.OpError as error:  # Some settings of layers fail only as they compute.
                    raise UserError(
                        f"{printable(self.name)}: does not run ({reason(error)}): give another net with --features"
                    ) from error
                bar.update(len(images))
        if not np.isfinite(features).all():
            raise UserError(f"{printable(self.name)}: makes NaN of some images: give another net with --features")
        return features

    def fitted(self, images: np.ndarray) -> np.ndarray:
        """uint8 [n, H, W, C] of any size, 1 or 3 channels -> uint8 [n, *image_shape]."""
        *size, channels = self.image_shape
        return Fit(tuple(size)).images(to_channels(images, channels))


def open_features(name: str) -> FeatureSpace:
    """The feature space that `--features` names; call it before any long work.

    Args:
        name: "imagenet" is EfficientNet-Lite0, see `dcgan_tf.metrics.imagenet`. "inception" is Inception-v3 with Keras's
            ImageNet weights. They are not the weights of the original FID (Heusel et al. 2017), so its numbers compare
            with each other only. Weights that are not in Keras's folder are downloaded here, which one line says. Else the
            file, .keras or .h5, of an image classifier: the features
            are what goes into its last layer with weights (of a net without a last dense or convolutional layer, what
            comes out), averaged over space where it still has a height and a width. Pixels 0 to 255 go in: a net trained
            on others needs a Rescaling layer in front.

    Raises:
        UserError: no such file, no net, not one that takes images of 1 or 3 channels and a fixed size; the weights of
            "imagenet" are not installed, those of "inception" cannot be downloaded, or they are damaged.
    """
    if name == IMAGENET:
        path = imagenet.weights_path()
        return _space(name, path, imagenet.feature_net(path))
    if name == "inception":
        path = inception.inception_weights()
        return _space(name, path, inception.feature_net(path))
    net = load_net(name)
    _check_input(name, net)
    return _space(Path(name).name, name, keras.Model(net.inputs[0], _pooled(_last_hidden(name, net))))


def open_outputs(name: str) -> FeatureSpace:
    """The outputs of the net in a file, .keras or .h5, as a feature space: one number for each class.

    Raises:
        UserError: as in `open_features`, or the net does not output one number for each class.
    """
    net = load_net(name)
    _check_input(name, net)
    if len(net.outputs[0].shape) != 2:
        shape = list(net.outputs[0].shape[1:])
        raise UserError(f"{printable(name)}: makes {shape} of an image: give a classifier, which makes [classes]")
    return _space(Path(name).name, name, net)


def _check_input(name: str, net: keras.Model) -> None:
    if len(net.inputs) != 1 or len(net.outputs) != 1:
        raise UserError(f"--features {printable(name)}: has {len(net.inputs)} inputs and {len(net.outputs)} outputs: "
                        "give a net that takes one image and says one thing of it")  # fmt: skip
    shape = list(net.inputs[0].shape[1:])
    if len(shape) != 3 or shape[-1] not in (1, 3):
        raise UserError(
            f"--features {printable(name)}: takes {shape}, which is no image [height, width, 1 or 3]: give a net that does"
        )
    if None in shape:
        raise UserError(
            f"--features {printable(name)}: takes images of any size, {shape}: save it with an Input of one size"
        )


def _last_hidden(name: str, net: keras.Model):
    """The tensor that goes into the last dense or convolutional layer, or the output where none ends the net."""
    if not net.weights:
        raise UserError(f"--features {printable(name)}: has no layer with weights: give a trained image classifier")
    tensor = net.outputs[0]
    while True:
        history = tensor._keras_history
        layer, node = history.operation, history.operation._inbound_nodes[history.node_index]
        if isinstance(layer, keras.layers.Dense | keras.layers.Conv2D):
            return node.input_tensors[0]
        # Layers without weights, such as softmax or dropout, are passed over. Where branches meet, or a net lies within
        # the net, no layer is the classifier's last one, and the output of the whole net is taken as the features.
        if getattr(layer, "weights", None) or len(node.input_tensors) != 1:
            return net.outputs[0]
        tensor = node.input_tensors[0]


def _pooled(tensor):
    """[n, h, w, c] -> [n, c], the mean over space; [n, ...] -> [n, d]."""
    if len(tensor.shape) == 4:
        return keras.layers.GlobalAveragePooling2D()(tensor)
    return tensor if len(tensor.shape) == 2 else keras.layers.Flatten()(tensor)


def _space(name: str, path, net: keras.Model) -> FeatureSpace:
    """The space of the net, which came from the file `path`."""
    with open(path, "rb") as file:
        fingerprint = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()
    image_shape = tuple(net.inputs[0].shape[1:])

    # The signature makes one graph serve batches of every size.
    @tf.function(input_signature=[tf.TensorSpec([None, *image_shape], tf.float32)])
    def run(images):
        return tf.cast(net(images, training=False), tf.float32)

    return FeatureSpace(name, net.outputs[0].shape[-1], image_shape, lambda images: run(images).numpy(), fingerprint)
