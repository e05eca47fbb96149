"""Which layers a saved net may have is a promise and a guard: the set is written out here once more, in full."""

import pytest

from dcgan_tf.common.backend import keras
from dcgan_tf.layers import MinibatchStd
from dcgan_tf.nets.reading.allowed import ALLOWED_LAYERS, NET_CLASSES
from dcgan_tf.nets.reading.making import LAYERS

ALLOWED = """
    Activation ActivityRegularization Add AlphaDropout Attention Average AveragePooling2D BatchNormalization
    CategoryEncoding CenterCrop Concatenate Conv1D Conv2D Conv2DTranspose Cropping2D Dense DepthwiseConv2D Dot Dropout
    ELU EinsumDense Embedding Flatten GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D
    GlobalMaxPooling1D GlobalMaxPooling2D GroupNormalization Identity InputLayer LayerNormalization LeakyReLU Maximum
    MaxPooling2D Minimum MultiHeadAttention Multiply Normalization PReLU Permute RMSNormalization RandomBrightness
    RandomContrast RandomFlip RandomRotation RandomTranslation RandomZoom ReLU RepeatVector Rescaling Reshape Resizing
    SeparableConv2D Softmax SpatialDropout2D SpectralNormalization Subtract UnitNormalization UpSampling2D ZeroPadding2D
"""


def test_layers():
    assert ALLOWED_LAYERS == set(ALLOWED.split())
    assert LAYERS == {name: getattr(keras.layers, name) for name in ALLOWED_LAYERS - {"InputLayer"}} | {
        "dcgan_tf>MinibatchStd": MinibatchStd
    }
    assert all(issubclass(layer, keras.layers.Layer) for layer in LAYERS.values())


def test_classes_of_nets():
    assert NET_CLASSES == {"Sequential", "Functional", "Model"}


@pytest.mark.parametrize("name", ["Lambda", "TFSMLayer", "Layer", "TimeDistributed", "TorchModuleWrapper", "FlaxLayer"])
def test_what_a_net_must_not_have(name):
    assert name not in LAYERS
