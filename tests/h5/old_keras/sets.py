"""Which nets are recorded, in groups that every Keras 2 can build."""

import nets
import numpy as np
import numpy_nets

GENERATORS = [
    nets.sigmoid_generator,
    nets.tanh_nested,
    nets.dense_tanh_reshape,
    nets.cgan_multiply,
    nets.acgan_multiply,
    nets.cgan_channel,
    nets.cgan_channel_label_first,
    nets.cgan_onehot,
    nets.hard_sigmoid_generator,
    nets.misc_layers,
]
DISCRIMINATORS = [nets.gap_discriminator]
WHOLE = [nets.gan_whole, nets.gan_whole_functional, nets.gan_whole_conditional, nets.gan_whole_spliced]
CHANNELS_FIRST = [
    nets.channels_first_generator,
    nets.channels_first_discriminator,
    nets.channels_first_discriminator_flat,
]
SPECTRAL = [nets.spectral_discriminator, nets.spectral_generator]


def _run_in_numpy(net, inputs):
    return numpy_nets.predict(net, inputs[0])


def _run_twin(net, inputs):
    """Runs a channels_last net in its own Keras, and checks that NumPy agrees."""
    expected = np.asarray(net.predict(inputs[0], verbose=0), "float32")
    np.testing.assert_allclose(_run_in_numpy(net, inputs), expected, atol=1e-5)
    return expected


def record_plain(recorder, keras, makers, endings=(".h5",)):
    """Records nets that need no more than their makers. Returns them by name."""
    made = {}
    for maker in makers:
        made[maker.__name__] = maker(keras)
        recorder.add(maker.__name__, made[maker.__name__], endings)
    return made


def record_compiled(recorder, keras, endings=(".h5",)):
    """Records the nets that are compiled: frozen ones, whole GANs, and a critic with its own constraint and loss."""
    net = nets.tanh_nested_frozen(keras)
    recorder.add("tanh_nested_frozen", net, endings, step=True)
    for maker in WHOLE:
        whole, generator = maker(keras)
        recorder.add(maker.__name__, whole, endings, generator=generator, step=True)
    recorder.add("clip_discriminator", nets.clip_discriminator(keras), endings, step=True)
    return {"tanh_nested_frozen": net}


def record_channels_first(recorder, keras, endings=(".h5",)):
    """Records nets of channels_first, whose outputs NumPy computes, after it agreed on their channels_last twins."""
    for twin in [nets.channels_last_generator, nets.channels_last_discriminator]:
        recorder.add(twin.__name__, twin(keras), endings, run=_run_twin)
    for maker in CHANNELS_FIRST:
        recorder.add(maker.__name__, maker(keras), endings, run=_run_in_numpy)
