"""Makes nets of Keras 2 before it became a part of TensorFlow: k209_*, k209th_* by Theano, k222_* and k231_*; see README.md."""

from glob import glob

import keras
import nets
import sets
from recording import Recorder, reload_and_compare

VERSION = "k" + keras.__version__.replace(".", "")
# Theano knows no transposed convolution with an even kernel and padding="same".
OF_THEANO = [
    nets.tanh_nested,
    nets.tutorial_generator,
    nets.acgan_multiply,
    nets.cgan_onehot,
    nets.gap_discriminator,
    nets.channels_first_discriminator,
    nets.channels_first_discriminator_flat,
]


def _record_by_theano():
    """Its convolutions turn their kernels by 180 degrees: a file's attribute `backend` says so."""
    import theano.ifelse  # noqa: F401  Keras uses this module without importing it.

    recorder = Recorder(VERSION + "th")
    made = sets.record_plain(recorder, keras, OF_THEANO)
    recorder.add_weights_alone("tanh_nested", made["tanh_nested"])
    return recorder


def _record_by_tensorflow():
    recorder = Recorder(VERSION)
    made = sets.record_plain(recorder, keras, sets.GENERATORS + sets.DISCRIMINATORS)
    made.update(sets.record_compiled(recorder, keras))
    sets.record_channels_first(recorder, keras)
    for name in ["sigmoid_generator", "tanh_nested", "tanh_nested_frozen"]:
        recorder.add_weights_alone(name, made[name])
    return recorder


def main():
    recorder = _record_by_theano() if keras.backend.backend() == "theano" else _record_by_tensorflow()
    recorder.write()
    paths = sorted(path for path in glob(recorder.path("*", ".h5")) if not path.endswith("_weights.h5"))
    reload_and_compare(recorder, lambda path: keras.models.load_model(path, compile=False), paths)


if __name__ == "__main__":
    main()
