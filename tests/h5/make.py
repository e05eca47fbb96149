"""Makes the .h5 files of this folder. Runs under an old TensorFlow; README.md gives the commands."""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.keras import Sequential, layers

HERE = Path(__file__).parent
VERSION = "tf" + "".join(tf.__version__.split(".")[:2])


def paints_generator():
    return Sequential(
        [
            layers.Dense(2 * 2 * 8, use_bias=False, input_shape=(6,)),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Reshape((2, 2, 8)),
            layers.Conv2DTranspose(4, 5, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Conv2DTranspose(3, 5, strides=2, padding="same", use_bias=False, activation="tanh"),
        ]
    )


def paints_discriminator():
    return Sequential(
        [
            layers.Conv2D(4, 5, strides=2, padding="same", input_shape=(8, 8, 3)),
            layers.LeakyReLU(),
            layers.Dropout(0.3),
            layers.Conv2D(4, 5, strides=2, padding="same"),
            layers.LeakyReLU(),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )


def faces_discriminator():
    """Ends in a convolution and a sigmoid: [N, 1, 1, 1]. Compiled and fitted, so the file holds an optimizer too."""
    net = Sequential(
        [
            layers.InputLayer((8, 8, 3)),
            layers.Conv2D(4, 4, strides=2, padding="same", use_bias=False),
            layers.LeakyReLU(0.2),
            layers.Conv2D(1, 4, padding="valid", use_bias=False, activation="sigmoid"),
        ]
    )
    net.compile(tf.keras.optimizers.Adam(2e-4, beta_1=0.5), "binary_crossentropy")
    net.fit(np.zeros([2, 8, 8, 3]), np.zeros([2, 1, 1, 1]), verbose=0)
    return net


def mnist_functional():
    """Every other layer that a file may hold, as one functional chain with a nested Sequential, computing in bfloat16.

    The nested net has weights that train and weights that do not: they are saved in another order than they are made.
    """
    inputs = layers.Input((12, 12, 1))
    x = layers.GaussianNoise(0.1)(inputs)
    x = layers.ZeroPadding2D(((1, 0), (2, 1)))(x)
    x = layers.Conv2D(4, 5, kernel_regularizer="l2", kernel_constraint=tf.keras.constraints.MaxNorm(3.0))(x)
    x = layers.ReLU(negative_slope=0.01)(x)
    x = layers.MaxPooling2D()(x)
    x = Sequential(
        [
            layers.Conv2D(3, 3, padding="same"),
            layers.BatchNormalization(momentum=0.9, scale=False),
            layers.Conv2D(3, 3, padding="same", activation=layers.LeakyReLU(0.1)),
            layers.BatchNormalization(),
        ]
    )(x)
    x = layers.UpSampling2D(interpolation="bilinear")(x)
    x = layers.Cropping2D(1)(x)
    x = layers.PReLU(shared_axes=[1, 2])(x)
    x = layers.LayerNormalization()(x)
    x = layers.AveragePooling2D()(x)
    x = layers.ELU(0.5)(x)
    x = layers.SpatialDropout2D(0.2)(x)
    x = layers.Activation("swish")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(4, activation=tf.nn.leaky_relu)(x)
    return tf.keras.Model(inputs, layers.Dense(1, dtype="float32")(x))


def with_lambda():
    touch = 'lambda x: (__import__("pathlib").Path("lambda_was_here").touch(), x)[1]'
    return Sequential([layers.Dense(2, input_shape=(3,)), layers.Lambda(eval(touch), name="trap")])


def _draw(rng, weights):
    """Kernels small and of either sign, all else (biases, statistics) far from 0 and 1: a swap of two shows."""
    return rng.normal(0, 0.2, weights.shape) if weights.ndim > 1 else rng.uniform(0.2, 0.8, weights.shape)


def main():
    tf.keras.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    expected = {}
    for make in [paints_generator, paints_discriminator, faces_discriminator, mnist_functional, with_lambda]:
        net = make()
        net.set_weights([_draw(rng, weights) for weights in net.get_weights()])
        x = rng.uniform(-1, 1, [3, *net.input_shape[1:]]).astype("float32")
        expected[f"{make.__name__}_x"], expected[f"{make.__name__}_y"] = x, net(x, training=False).numpy()
        if make is mnist_functional:
            # The same weights and the outputs of float32, in a file that says bfloat16.
            tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
            half = make()
            half.set_weights(net.get_weights())
            net = half
            tf.keras.mixed_precision.set_global_policy("float32")
        net.save(HERE / f"{VERSION}_{make.__name__}.h5")
    np.savez_compressed(HERE / f"{VERSION}_expected.npz", **expected)
    Path("lambda_was_here").unlink()


if __name__ == "__main__":
    sys.exit(main())
