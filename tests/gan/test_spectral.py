import numpy as np
import pytest
from support import small_nets

from dcgan_tf.gan.spectral import SpectralNorm


def largest_singular_values(model):
    kernels = [layer.kernel.numpy() for layer in model.layers if hasattr(layer, "kernel")]
    return [np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0] for kernel in kernels]


def test_every_kernel_has_norm_one_and_keeps_it():
    model = small_nets.discriminator()
    assert max(largest_singular_values(model)) > 1.2
    before, biases = (
        [layer.kernel.numpy() for layer in model.layers if hasattr(layer, "kernel")],
        model.layers[0].bias.numpy(),
    )
    norm = SpectralNorm(model, seed=1)
    assert largest_singular_values(model) == pytest.approx([1, 1, 1], abs=0.01)
    for kernel, layer in zip(before, [layer for layer in model.layers if hasattr(layer, "kernel")]):
        ratio = kernel / layer.kernel.numpy()
        np.testing.assert_allclose(ratio, ratio.ravel()[0], rtol=1e-4)  # the same up to a factor
    assert np.array_equal(model.layers[0].bias, biases)
    random = np.random.default_rng(0)
    for _ in range(30):
        for layer in model.layers:
            if hasattr(layer, "kernel"):
                layer.kernel.assign_add(random.normal(0, 0.002, layer.kernel.shape))
        norm.project()
    assert largest_singular_values(model) == pytest.approx([1, 1, 1], abs=0.02)
