"""The generator as a SavedModel that TensorFlow Serving can load."""

from dcgan_tf.backend import tf
from dcgan_tf.files import whole_folder


class SavedModelWriter:
    """Writes a generator's SavedModel again and again, with the weights of the moment; traced once.

    Signature `serving_default`: latents [N, latent_dim] float32 -> images [N, H, W, C] uint8.

    Not through Keras's ExportArchive, which (Keras 3.15) writes every variable twice: twice the disk for each epoch.
    """

    def __init__(self, generator):
        @tf.function(input_signature=[tf.TensorSpec([None, generator.input_shape[-1]], tf.float32, name="latents")])
        def serve(latents):
            pixels = tf.round(generator(latents, training=False) * 127.5 + 127.5)
            return {"images": tf.cast(tf.clip_by_value(pixels, 0.0, 255.0), tf.uint8)}

        self._module = tf.Module()
        self._module.weights = [variable.value for variable in generator.variables]  # what is saved
        self._module.serve = serve

    def write(self, path):
        """The folder `path`, whole or not at all."""
        with whole_folder(path) as beside:
            tf.saved_model.save(self._module, str(beside), signatures={"serving_default": self._module.serve})
