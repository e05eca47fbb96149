"""Which layers a saved net may have is a promise and a guard: both sets are written out here once more, in full."""

import pytest

from dcgan_tf.common.backend import keras
from dcgan_tf.layers import MinibatchStd
from dcgan_tf.nets import branched, saved
from dcgan_tf.nets.allowed import BRANCHED_LAYERS, CHAIN_LAYERS, NET_CLASSES

CHAIN = """
    Activation AveragePooling2D BatchNormalization Conv2D Conv2DTranspose Cropping2D Dense Dropout ELU Flatten
    GaussianDropout GaussianNoise GlobalAveragePooling2D GlobalMaxPooling2D GroupNormalization LayerNormalization
    LeakyReLU MaxPooling2D PReLU Permute ReLU Rescaling Reshape Softmax SpatialDropout2D UnitNormalization UpSampling2D
    ZeroPadding2D
"""
ONLY_BRANCHED = """
    Add AlphaDropout Attention Average CenterCrop Concatenate Conv1D DepthwiseConv2D Dot EinsumDense Embedding
    GlobalAveragePooling1D GlobalMaxPooling1D Identity InputLayer Maximum Minimum MultiHeadAttention Multiply
    Normalization RMSNormalization RandomBrightness RandomContrast RandomFlip RandomRotation RandomTranslation RandomZoom
    RepeatVector Resizing SeparableConv2D SpectralNormalization Subtract
"""


def test_layers_of_a_chain():
    assert CHAIN_LAYERS == set(CHAIN.split())
    assert saved._LAYERS == {name: getattr(keras.layers, name) for name in CHAIN.split()} | {
        "dcgan_tf>MinibatchStd": MinibatchStd
    }


def test_layers_of_a_net_with_branches():
    assert BRANCHED_LAYERS == set(CHAIN.split()) | set(ONLY_BRANCHED.split())
    assert all(issubclass(getattr(keras.layers, name), keras.layers.Layer) for name in BRANCHED_LAYERS)


def test_classes_of_nets():
    assert NET_CLASSES == {"Sequential", "Functional", "Model"}


@pytest.mark.parametrize("name", ["Lambda", "TFSMLayer", "Layer", "TimeDistributed", "dcgan_tf>MinibatchStd"])
def test_what_a_net_with_branches_must_not_have(name):
    assert name not in branched._ALLOWED
