"""The generator as a SavedModel that TensorFlow Serving can load."""

from dcgan_tf.backend import keras, tf
from dcgan_tf.files import whole_folder


class SavedModelWriter:
    """Writes a generator's SavedModel again and again, with the weights of the moment; traced once.

    Signature `serving_default`: latents [N, latent_dim] float32 -> images [N, H, W, C] uint8.
    """

    def __init__(self, generator):
        self._archive = keras.export.ExportArchive()
        self._archive.track(generator)

        def serve(latents):
            pixels = tf.round(generator(latents, training=False) * 127.5 + 127.5)
            return {"images": tf.cast(tf.clip_by_value(pixels, 0.0, 255.0), tf.uint8)}

        latents = tf.TensorSpec([None, generator.input_shape[-1]], tf.float32, name="latents")
        self._archive.add_endpoint("serve", serve, input_signature=[latents])

    def write(self, path):
        """The folder `path`, whole or not at all."""
        with whole_folder(path) as beside:
            self._archive.write_out(str(beside), verbose=False)
