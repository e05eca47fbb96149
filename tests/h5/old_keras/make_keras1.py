"""Makes nets of Keras 1.2: k122_* with KERAS_BACKEND=tensorflow, and k122th_* with KERAS_BACKEND=theano; see README.md.

Keras 1 has other names and arguments than Keras 2, so its nets are written out here. Those of dim_ordering="th" have
channels first; TensorFlow runs them on a CPU, as Keras 1 turns their images itself.
"""

from glob import glob

import h5py
from keras import backend
from keras.constraints import Constraint
from keras.layers import (
    ELU,
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Convolution2D,
    Cropping2D,
    Deconvolution2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    GlobalAveragePooling2D,
    Input,
    LeakyReLU,
    PReLU,
    Reshape,
    UpSampling2D,
    ZeroPadding2D,
    merge,
)
from keras.models import Model, Sequential, model_from_json
from recording import Recorder, reload_and_compare

LATENTS = 6
CLASSES = 3


def _image(ordering, height, width, channels):
    return (channels, height, width) if ordering == "th" else (height, width, channels)


def _axis(ordering):
    return 1 if ordering == "th" else -1


def sigmoid_generator(ordering="tf"):
    """Images of 8x12 pixels, so that rows and columns cannot be taken for one another."""
    rest = {"border_mode": "same", "dim_ordering": ordering}
    return Sequential(
        [
            Dense(2 * 3 * 8, input_dim=LATENTS),
            Reshape(_image(ordering, 2, 3, 8)),
            UpSampling2D(size=(2, 2), dim_ordering=ordering),
            Convolution2D(6, 3, 3, **rest),
            BatchNormalization(mode=0, axis=_axis(ordering)),
            LeakyReLU(0.2),
            Dropout(0.3),
            UpSampling2D(dim_ordering=ordering),
            Convolution2D(4, 5, 3, **rest),
            BatchNormalization(axis=_axis(ordering)),
            Activation("relu"),
            Convolution2D(3, 3, 3, **rest),
            Activation("sigmoid"),
        ]
    )


def deconvolution_generator(ordering="tf"):
    """Transposed convolutions, which have to be told the shape of their outputs."""
    rest = {"subsample": (2, 2), "border_mode": "same", "dim_ordering": ordering}
    return Sequential(
        [
            Dense(2 * 3 * 8, input_dim=LATENTS),
            Reshape(_image(ordering, 2, 3, 8)),
            BatchNormalization(axis=_axis(ordering)),
            Activation("relu"),
            Deconvolution2D(6, 4, 4, (None,) + _image(ordering, 4, 6, 6), **rest),
            BatchNormalization(axis=_axis(ordering)),
            LeakyReLU(0.2),
            Deconvolution2D(3, 5, 3, (None,) + _image(ordering, 8, 12, 3), activation="tanh", **rest),
        ]
    )


def discriminator(ordering="tf"):
    """Strided convolutions, and Flatten before the only dense layer."""
    rest = {"subsample": (2, 2), "border_mode": "same", "dim_ordering": ordering}
    return Sequential(
        [
            Convolution2D(4, 3, 5, input_shape=_image(ordering, 8, 12, 3), **rest),
            LeakyReLU(0.2),
            Dropout(0.25),
            Convolution2D(5, 3, 3, **rest),
            BatchNormalization(axis=_axis(ordering)),
            LeakyReLU(0.2),
            Flatten(),
            Dense(1, activation="sigmoid"),
        ]
    )


def tanh_nested():
    """A Sequential inside a functional net."""
    model = Sequential()
    model.add(Dense(2 * 2 * 8, activation="relu", input_dim=LATENTS))
    model.add(Reshape((2, 2, 8)))
    model.add(UpSampling2D())
    model.add(Convolution2D(6, 3, 3, border_mode="same"))
    model.add(BatchNormalization())
    model.add(Activation("relu"))
    model.add(UpSampling2D())
    model.add(Convolution2D(3, 3, 3, border_mode="same"))
    model.add(Activation("tanh"))
    noise = Input(shape=(LATENTS,))
    return Model(input=noise, output=model(noise))


def tanh_nested_frozen():
    """The same with its Sequential frozen, and a layer that trains behind it; compiled."""
    nested = tanh_nested()
    nested.layers[1].trainable = False
    noise = nested.input
    net = Model(input=noise, output=Convolution2D(3, 1, 1, activation="tanh")(nested.output))
    net.compile(loss="mean_squared_error", optimizer="adam")
    return net


def dense_tanh_reshape():
    """Dense layers alone: the last one has the tanh, and only a Reshape follows."""
    return Sequential(
        [
            Dense(10, input_dim=LATENTS),
            LeakyReLU(0.2),
            BatchNormalization(),
            Dense(8 * 8, activation="tanh"),
            Reshape((8, 8, 1)),
        ]
    )


def cgan_multiply():
    """Noise times an embedding of the label: `merge` makes a layer Merge of mode "mul"."""
    noise = Input(shape=(LATENTS,))
    label = Input(shape=(1,), dtype="int32")
    embedded = Flatten()(Embedding(CLASSES, LATENTS)(label))
    return Model(input=[noise, label], output=dense_tanh_reshape()(merge([noise, embedded], mode="mul")))


def cgan_channel():
    """The label as one more channel: `merge` makes a layer Merge of mode "concat"."""
    noise = Input(shape=(LATENTS,))
    label = Input(shape=(1,))
    label_channel = Reshape((4, 4, 1))(Dense(4 * 4)(Flatten()(Embedding(CLASSES, 5)(label))))
    x = Reshape((4, 4, 6))(LeakyReLU(0.2)(Dense(4 * 4 * 6)(noise)))
    x = merge([x, label_channel], mode="concat", concat_axis=-1)
    x = Deconvolution2D(4, 4, 4, (None, 8, 8, 4), subsample=(2, 2), border_mode="same")(x)
    x = LeakyReLU(0.2)(x)
    return Model(input=[noise, label], output=Convolution2D(1, 5, 5, activation="tanh", border_mode="same")(x))


def cgan_onehot():
    """A one-hot label beside the noise."""
    noise, label = Input(shape=(LATENTS,)), Input(shape=(CLASSES,))
    x = merge([noise, label], mode="concat")
    x = Reshape((4, 4, 6))(Dense(4 * 4 * 6, activation="relu")(x))
    x = UpSampling2D()(x)
    return Model(input=[noise, label], output=Convolution2D(1, 5, 5, activation="sigmoid", border_mode="same")(x))


def _small_discriminator():
    return Sequential(
        [
            Convolution2D(4, 3, 3, subsample=(2, 2), border_mode="same", input_shape=(8, 12, 3)),
            LeakyReLU(0.2),
            Dropout(0.25),
            Flatten(),
            Dense(1, activation="sigmoid"),
        ]
    )


def gan_whole():
    """A generator and a frozen discriminator as one Sequential. Returns it and its generator."""
    generator, frozen = deconvolution_generator(), _small_discriminator()
    frozen.trainable = False
    net = Sequential([generator, frozen])
    net.compile(loss="binary_crossentropy", optimizer="adam")
    return net, generator


def gan_whole_functional():
    """The same as a functional net."""
    generator, frozen = deconvolution_generator(), _small_discriminator()
    frozen.trainable = False
    noise = Input(shape=(LATENTS,))
    net = Model(input=noise, output=frozen(generator(noise)))
    net.compile(loss="binary_crossentropy", optimizer="adam")
    return net, generator


class ClipConstraint(Constraint):
    """The constraint of a WGAN's critic, which no other program knows."""

    def __init__(self, clip_value):
        self.clip_value = clip_value

    def __call__(self, p):
        return backend.clip(p, -self.clip_value, self.clip_value)

    def get_config(self):
        return {"name": self.__class__.__name__, "clip_value": self.clip_value}


def wasserstein_loss(y_true, y_pred):
    """The loss of a WGAN's critic."""
    return backend.mean(y_true * y_pred)


def clip_discriminator():
    """A WGAN's critic, compiled with a constraint and a loss of its own."""
    net = Sequential(
        [
            Convolution2D(
                4, 4, 4, subsample=(2, 2), border_mode="same", W_constraint=ClipConstraint(0.01), input_shape=(8, 8, 1)
            ),
            BatchNormalization(),
            LeakyReLU(0.2),
            Flatten(),
            Dense(1),
        ]
    )
    net.compile(loss=wasserstein_loss, optimizer="rmsprop")
    return net


def hard_sigmoid_generator():
    """Ends in clip(0.2 x + 0.5, 0, 1)."""
    return Sequential(
        [
            Dense(4 * 4 * 6, activation="relu", input_dim=LATENTS),
            Reshape((4, 4, 6)),
            UpSampling2D(),
            Convolution2D(1, 3, 3, border_mode="same", activation="hard_sigmoid"),
        ]
    )


def misc_layers():
    """A generator of the layers that the others lack."""
    return Sequential(
        [
            Dense(3 * 3 * 6, input_dim=LATENTS),
            PReLU(),
            Reshape((3, 3, 6)),
            GaussianNoise(0.1),
            ZeroPadding2D((1, 0, 0, 1)),
            Convolution2D(5, 3, 3, border_mode="same"),
            ELU(0.5),
            UpSampling2D(),
            PReLU(shared_axes=[1, 2]),
            UpSampling2D(),
            AveragePooling2D(),
            ZeroPadding2D((2, 1)),
            Convolution2D(1, 3, 3, bias=False),
            Cropping2D(((1, 1), (0, 0))),
            Activation("tanh"),
        ]
    )


def gap_discriminator():
    """A discriminator that averages over places."""
    return Sequential(
        [
            Convolution2D(4, 3, 3, subsample=(2, 2), border_mode="same", input_shape=(8, 8, 3)),
            LeakyReLU(0.2),
            GlobalAveragePooling2D(),
            Dense(1, activation="sigmoid"),
        ]
    )


def _record_all(recorder):
    for maker in [deconvolution_generator, discriminator, tanh_nested, dense_tanh_reshape, cgan_multiply, cgan_channel]:
        recorder.add(maker.__name__, maker())
    for maker in [cgan_onehot, hard_sigmoid_generator, misc_layers, gap_discriminator]:
        recorder.add(maker.__name__, maker())
    for maker in [gan_whole, gan_whole_functional]:
        net, generator = maker()
        recorder.add(maker.__name__, net, generator=generator, step=True)
    recorder.add("clip_discriminator", clip_discriminator(), step=True)
    net = tanh_nested_frozen()
    recorder.add("tanh_nested_frozen", net, step=True)
    recorder.add_weights_alone("tanh_nested_frozen", net)


def _record_in_both_orders(recorder):
    """What the backend Theano is asked to make, too: its convolutions turn their kernels by 180 degrees."""
    net = sigmoid_generator()
    recorder.add("sigmoid_generator", net)
    recorder.add_weights_alone("sigmoid_generator", net)
    recorder.add("th_sigmoid_generator", sigmoid_generator("th"))
    if backend.backend() == "tensorflow":  # Theano 1.0 refuses the shapes that Keras 1.2.2 gives it.
        recorder.add("th_deconvolution_generator", deconvolution_generator("th"))
    recorder.add("th_discriminator", discriminator("th"))


def _load(path):
    """Loads a net without its optimizer, which Keras 1.2.2 cannot load for a net with a frozen part."""
    # UpSampling2D does not save its dim_ordering: it takes that of the program that loads it.
    backend.set_image_dim_ordering("th" if "_th_" in path else "tf")
    with h5py.File(path, "r") as file:
        config = file.attrs["model_config"]
    net = model_from_json(config if isinstance(config, str) else config.decode())
    net.load_weights(path)
    return net


def main():
    tensorflow = backend.backend() == "tensorflow"
    if not tensorflow:
        import theano.ifelse  # noqa: F401, PLC0415  Keras 1.2.2 uses this module without importing it.
    recorder = Recorder("k122" if tensorflow else "k122th")
    _record_in_both_orders(recorder)
    if tensorflow:
        _record_all(recorder)
    recorder.write()
    paths = sorted(path for path in glob(recorder.path("*", ".h5")) if not path.endswith("_weights.h5"))
    reload_and_compare(recorder, _load, paths)


if __name__ == "__main__":
    main()
