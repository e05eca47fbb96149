"""The nets of this folder, built with the layers that every Keras 2 has.

Each function takes the module `keras` (Keras itself, or tf.keras) and returns a new net with that Keras's own first
weights. Images are 8x8, latents have 6 values, and there are 3 classes.
"""

LATENTS = 6
CLASSES = 3


def sigmoid_generator(keras):
    """A Sequential of upsampling and convolutions whose sigmoid is a layer of its own."""
    layers = keras.layers
    return keras.models.Sequential(
        [
            layers.Dense(2 * 2 * 8, input_shape=(LATENTS,)),
            layers.Reshape((2, 2, 8)),
            layers.UpSampling2D(),
            layers.Conv2D(6, 3, padding="same"),
            layers.BatchNormalization(momentum=0.8),
            layers.LeakyReLU(0.2),
            layers.Dropout(0.3),
            layers.Conv2DTranspose(4, 4, strides=2, padding="same"),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.Conv2D(1, 3, padding="same"),
            layers.Activation("sigmoid"),
        ]
    )


def tanh_nested(keras, frozen=False):
    """A Sequential inside a functional net, as in Keras-GAN. A frozen one is compiled and has trained for a step."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Dense(2 * 2 * 8, activation="relu", input_shape=(LATENTS,)))
    model.add(layers.Reshape((2, 2, 8)))
    model.add(layers.UpSampling2D())
    model.add(layers.Conv2D(6, 3, padding="same"))
    model.add(layers.BatchNormalization(momentum=0.8))
    model.add(layers.Activation("relu"))
    model.add(layers.UpSampling2D())
    model.add(layers.Conv2D(4, 3, padding="same"))
    model.add(layers.BatchNormalization(momentum=0.8))
    model.add(layers.Activation("relu"))
    model.add(layers.Conv2D(3, 3, padding="same"))
    model.add(layers.Activation("tanh"))
    noise = layers.Input(shape=(LATENTS,))
    if not frozen:
        return keras.models.Model(noise, model(noise))
    model.trainable = False
    # A layer that trains follows the frozen net: an optimizer of nothing would say too little.
    image = layers.Conv2D(3, 1, activation="tanh")(model(noise))
    net = keras.models.Model(noise, image)
    net.compile(loss="mean_squared_error", optimizer="adam")
    return net


def tanh_nested_frozen(keras):
    """`tanh_nested` with its Sequential frozen, so that its weights are saved as ones that do not train."""
    return tanh_nested(keras, frozen=True)


def dense_tanh_reshape(keras):
    """Dense layers alone: the last one has the tanh, and only a Reshape follows."""
    layers = keras.layers
    return keras.models.Sequential(
        [
            layers.Dense(10, input_shape=(LATENTS,)),
            layers.LeakyReLU(0.2),
            layers.BatchNormalization(momentum=0.8),
            layers.Dense(8 * 8 * 1, activation="tanh"),
            layers.Reshape((8, 8, 1)),
        ]
    )


def _noise_times_label(keras, model):
    """The conditional generator of Keras-GAN: the noise is multiplied by an embedding of the label."""
    layers = keras.layers
    noise = layers.Input(shape=(LATENTS,))
    label = layers.Input(shape=(1,), dtype="int32")
    embedded = layers.Flatten()(layers.Embedding(CLASSES, LATENTS)(label))
    return keras.models.Model([noise, label], model(layers.multiply([noise, embedded])))


def cgan_multiply(keras):
    """The generator of Keras-GAN's cgan.py."""
    return _noise_times_label(keras, dense_tanh_reshape(keras))


def acgan_multiply(keras):
    """The generator of Keras-GAN's acgan.py."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Dense(4 * 4 * 6, activation="relu", input_shape=(LATENTS,)))
    model.add(layers.Reshape((4, 4, 6)))
    model.add(layers.BatchNormalization(momentum=0.8))
    model.add(layers.UpSampling2D())
    model.add(layers.Conv2D(4, 3, padding="same"))
    model.add(layers.Activation("relu"))
    model.add(layers.BatchNormalization(momentum=0.8))
    model.add(layers.Conv2D(3, 3, padding="same", activation="tanh"))
    return _noise_times_label(keras, model)


def cgan_channel(keras, label_first=False):
    """The conditional generator of machinelearningmastery.com: the label becomes one more channel."""
    layers = keras.layers
    label = layers.Input(shape=(1,))
    x = layers.Embedding(CLASSES, 5)(label)
    x = layers.Dense(4 * 4)(x)
    label_channel = layers.Reshape((4, 4, 1))(x)
    noise = layers.Input(shape=(LATENTS,))
    x = layers.Dense(4 * 4 * 6)(noise)
    x = layers.LeakyReLU(0.2)(x)
    x = layers.Reshape((4, 4, 6))(x)
    x = layers.Concatenate()([x, label_channel])
    x = layers.Conv2DTranspose(4, (4, 4), strides=(2, 2), padding="same")(x)
    x = layers.LeakyReLU(0.2)(x)
    image = layers.Conv2D(1, (5, 5), activation="tanh", padding="same")(x)
    return keras.models.Model([label, noise] if label_first else [noise, label], image)


def cgan_channel_label_first(keras):
    """`cgan_channel` with its inputs in the order label, noise."""
    return cgan_channel(keras, label_first=True)


def cgan_onehot(keras):
    """A conditional generator that takes the label as a one-hot vector beside the noise."""
    layers = keras.layers
    noise = layers.Input(shape=(LATENTS,))
    label = layers.Input(shape=(CLASSES,))
    x = layers.concatenate([noise, label])
    x = layers.Dense(4 * 4 * 6, activation="relu")(x)
    x = layers.Reshape((4, 4, 6))(x)
    x = layers.BatchNormalization()(x)
    x = layers.Conv2DTranspose(4, 5, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv2DTranspose(1, 5, padding="same", activation="sigmoid")(x)
    return keras.models.Model([noise, label], x)


def small_discriminator(keras, channels):
    """A Sequential with batch normalization, for images of so many channels."""
    layers = keras.layers
    return keras.models.Sequential(
        [
            layers.Conv2D(4, 3, strides=2, padding="same", input_shape=(8, 8, channels)),
            layers.LeakyReLU(0.2),
            layers.Dropout(0.25),
            layers.Conv2D(4, 3, strides=2, padding="same"),
            layers.BatchNormalization(momentum=0.8),
            layers.LeakyReLU(0.2),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def conditional_discriminator(keras):
    """The conditional discriminator of machinelearningmastery.com."""
    layers = keras.layers
    label = layers.Input(shape=(1,))
    x = layers.Embedding(CLASSES, 5)(label)
    x = layers.Dense(8 * 8)(x)
    label_channel = layers.Reshape((8, 8, 1))(x)
    image = layers.Input(shape=(8, 8, 1))
    x = layers.Concatenate()([image, label_channel])
    x = layers.Conv2D(4, (3, 3), strides=(2, 2), padding="same")(x)
    x = layers.LeakyReLU(0.2)(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.4)(x)
    score = layers.Dense(1, activation="sigmoid")(x)
    return keras.models.Model([image, label], score)


def _compile_whole(net):
    net.compile(loss="binary_crossentropy", optimizer="adam")
    return net


def gan_whole(keras):
    """A generator and a frozen discriminator as one Sequential. Returns it and its generator."""
    generator, discriminator = sigmoid_generator(keras), small_discriminator(keras, 1)
    discriminator.trainable = False
    return _compile_whole(keras.models.Sequential([generator, discriminator])), generator


def gan_whole_functional(keras):
    """Both nets inside a functional one, with the noise alone, as in Keras-GAN. Returns it and its generator."""
    generator, discriminator = tanh_nested(keras), small_discriminator(keras, 3)
    discriminator.trainable = False
    noise = keras.layers.Input(shape=(LATENTS,))
    return _compile_whole(keras.models.Model(noise, discriminator(generator(noise)))), generator


def gan_whole_conditional(keras):
    """Both conditional nets inside a functional one, as in Keras-GAN. Returns it and its generator."""
    generator, discriminator = cgan_multiply(keras), conditional_discriminator(keras)
    discriminator.trainable = False
    noise = keras.layers.Input(shape=(LATENTS,))
    label = keras.layers.Input(shape=(1,))
    score = discriminator([generator([noise, label]), label])
    return _compile_whole(keras.models.Model([noise, label], score)), generator


def gan_whole_spliced(keras):
    """The generator's own layers and a nested discriminator, as on machinelearningmastery.com. Returns both as above."""
    generator, discriminator = cgan_channel(keras), conditional_discriminator(keras)
    discriminator.trainable = False
    noise, label = generator.inputs
    score = discriminator([generator.outputs[0], label])
    return _compile_whole(keras.models.Model([noise, label], score)), generator


def clip_discriminator(keras):
    """A WGAN's critic as tutorials write it: a constraint and a loss of its own, which no other program knows."""
    layers = keras.layers
    maths = keras.backend

    class ClipConstraint(keras.constraints.Constraint):
        def __init__(self, clip_value):
            self.clip_value = clip_value

        def __call__(self, weights):
            return maths.clip(weights, -self.clip_value, self.clip_value)

        def get_config(self):
            return {"clip_value": self.clip_value}

    def wasserstein_loss(y_true, y_pred):
        return maths.mean(y_true * y_pred)

    const = ClipConstraint(0.01)
    model = keras.models.Sequential()
    model.add(layers.Conv2D(4, (4, 4), strides=(2, 2), padding="same", kernel_constraint=const, input_shape=(8, 8, 1)))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU(0.2))
    model.add(layers.Conv2D(4, (4, 4), strides=(2, 2), padding="same", kernel_constraint=const))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU(0.2))
    model.add(layers.Flatten())
    model.add(layers.Dense(1))
    model.compile(loss=wasserstein_loss, optimizer="rmsprop")
    return model


def _generator_of_order(keras, order):
    """A generator whose images have their channels in the given order."""
    layers = keras.layers
    first = order == "channels_first"
    axis = 1 if first else -1
    return keras.models.Sequential(
        [
            layers.Dense(5 * 2 * 3, input_shape=(LATENTS,)),
            layers.Reshape((5, 2, 3) if first else (2, 3, 5)),
            layers.BatchNormalization(axis=axis),
            layers.LeakyReLU(0.2),
            layers.UpSampling2D(data_format=order),
            layers.Conv2D(6, 3, padding="same", data_format=order),
            layers.BatchNormalization(axis=axis, momentum=0.8),
            layers.Activation("relu"),
            layers.Conv2DTranspose(3, 4, strides=2, padding="same", data_format=order),
            layers.Activation("tanh"),
        ]
    )


def _discriminator_of_order(keras, order):
    """A discriminator of images [C, 8, 12] or [8, 12, C]; its Flatten follows the order of Keras's own setting."""
    layers = keras.layers
    first = order == "channels_first"
    return keras.models.Sequential(
        [
            layers.Conv2D(
                4, 3, strides=2, padding="same", data_format=order, input_shape=(3, 8, 12) if first else (8, 12, 3)
            ),
            layers.LeakyReLU(0.2),
            layers.Conv2D(5, 4, strides=2, padding="same", data_format=order),
            layers.BatchNormalization(axis=1 if first else -1),
            layers.LeakyReLU(0.2),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def channels_first_generator(keras):
    """Images [3, 8, 12]."""
    return _generator_of_order(keras, "channels_first")


def channels_last_generator(keras):
    """The twin of `channels_first_generator`: images [8, 12, 3]."""
    return _generator_of_order(keras, "channels_last")


def channels_first_discriminator(keras):
    """Images [3, 8, 12], made while Keras's own setting was channels_first: its Flatten has it, too."""
    keras.backend.set_image_data_format("channels_first")
    net = _discriminator_of_order(keras, "channels_first")
    keras.backend.set_image_data_format("channels_last")
    return net


def channels_first_discriminator_flat(keras):
    """Images [3, 8, 12], made while Keras's own setting was channels_last: its Flatten says so, yet sees channels first."""
    return _discriminator_of_order(keras, "channels_first")


def channels_last_discriminator(keras):
    """The twin of `channels_first_discriminator`: images [8, 12, 3]."""
    return _discriminator_of_order(keras, "channels_last")


def hard_sigmoid_generator(keras):
    """Keras 2 has clip(0.2 x + 0.5, 0, 1), and Keras 3 clip(x / 6 + 0.5, 0, 1)."""
    layers = keras.layers
    return keras.models.Sequential(
        [
            layers.Dense(4 * 4 * 6, activation="relu", input_shape=(LATENTS,)),
            layers.Reshape((4, 4, 6)),
            layers.UpSampling2D(),
            layers.Conv2D(1, 3, padding="same", activation="hard_sigmoid"),
        ]
    )


def misc_layers(keras):
    """A generator of the layers that the others lack. Bilinear upsampling and LayerNormalization are used where known."""
    layers = keras.layers
    try:
        bilinear = layers.UpSampling2D(interpolation="bilinear")
    except TypeError:
        bilinear = layers.UpSampling2D()
    normalize = getattr(layers, "LayerNormalization", layers.BatchNormalization)
    return keras.models.Sequential(
        [
            layers.Dense(3 * 3 * 6, input_shape=(LATENTS,)),
            layers.PReLU(),
            layers.Reshape((3, 3, 6)),
            layers.GaussianNoise(0.1),
            layers.ZeroPadding2D(((1, 0), (0, 1))),
            layers.Conv2D(5, 3, padding="same"),
            layers.ELU(0.5),
            normalize(),
            bilinear,
            layers.Conv2D(4, (3, 2), padding="same", dilation_rate=(1, 2)),
            layers.PReLU(shared_axes=[1, 2]),
            layers.UpSampling2D(),
            layers.AveragePooling2D(2),
            layers.ZeroPadding2D((2, 1)),
            layers.Conv2D(1, 3, use_bias=False),
            layers.Cropping2D(((1, 1), (0, 0))),
            layers.Activation("tanh"),
        ]
    )


def gap_discriminator(keras):
    """A discriminator that averages over places."""
    layers = keras.layers
    return keras.models.Sequential(
        [
            layers.Conv2D(4, 3, strides=2, padding="same", input_shape=(8, 8, 3)),
            layers.LeakyReLU(0.2),
            layers.MaxPooling2D(2),
            layers.Conv2D(6, 3, padding="same", activation="elu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def leaky_inside(keras):
    """A generator whose activations are layers, handed in as the argument `activation`."""
    layers = keras.layers
    return keras.models.Sequential(
        [
            layers.Dense(4 * 4 * 6, activation=layers.LeakyReLU(0.3), input_shape=(LATENTS,)),
            layers.Reshape((4, 4, 6)),
            layers.UpSampling2D(),
            layers.Conv2D(4, 3, padding="same", activation=layers.LeakyReLU(0.2)),
            layers.Conv2D(1, 3, padding="same", activation="tanh"),
        ]
    )


def functions_generator(keras):
    """Functions of TensorFlow between the layers: products, sums, concatenation, activations, and 0..1 from tanh."""
    import tensorflow as tf

    noise, label = keras.layers.Input((LATENTS,), name="noise"), keras.layers.Input((1,), name="label")
    embedded = keras.layers.Flatten()(keras.layers.Embedding(3, LATENTS)(label))
    joined = tf.concat([noise * embedded, noise + embedded, noise - embedded, tf.nn.leaky_relu(noise)], axis=-1)
    image = tf.reshape(keras.layers.Dense(12)(joined), (-1, 2, 2, 3))
    return keras.models.Model([noise, label], (keras.activations.tanh(image) + 1.0) / 2.0)


def spectral_discriminator(keras):
    """Spectral normalization around a convolution and a dense layer."""
    layers = keras.layers
    return keras.models.Sequential(
        [
            layers.Input(shape=(8, 8, 3)),
            layers.SpectralNormalization(layers.Conv2D(4, 4, strides=2, padding="same")),
            layers.LeakyReLU(0.2),
            layers.SpectralNormalization(layers.Conv2D(4, 4, strides=2, padding="same"), power_iterations=2),
            layers.LeakyReLU(0.2),
            layers.Flatten(),
            layers.SpectralNormalization(layers.Dense(1)),
        ]
    )


def spectral_generator(keras):
    """Spectral normalization around convolutions of a generator."""
    layers = keras.layers
    return keras.models.Sequential(
        [
            layers.Input(shape=(LATENTS,)),
            layers.Dense(4 * 4 * 6, activation="relu"),
            layers.Reshape((4, 4, 6)),
            layers.SpectralNormalization(layers.Conv2DTranspose(4, 4, strides=2, padding="same")),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.2),
            layers.SpectralNormalization(layers.Conv2D(3, 3, padding="same", activation="tanh")),
        ]
    )


def tutorial_generator(keras):
    """The generator of TensorFlow's DCGAN tutorial, small."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Dense(2 * 2 * 8, use_bias=False, input_shape=(LATENTS,)))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU())
    model.add(layers.Reshape((2, 2, 8)))
    model.add(layers.Conv2DTranspose(4, (5, 5), strides=(2, 2), padding="same", use_bias=False))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU())
    model.add(layers.Conv2DTranspose(1, (5, 5), strides=(2, 2), padding="same", use_bias=False, activation="tanh"))
    return model


def tutorial_discriminator(keras):
    """The discriminator of TensorFlow's DCGAN tutorial, small."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Conv2D(4, (5, 5), strides=(2, 2), padding="same", input_shape=(8, 8, 1)))
    model.add(layers.LeakyReLU())
    model.add(layers.Dropout(0.3))
    model.add(layers.Flatten())
    model.add(layers.Dense(1))
    return model
