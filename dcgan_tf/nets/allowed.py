"""The names of the layers that a saved net may have: each computes plainly, and none runs code from the file.

A name that is not listed here is refused, so that a layer which a later Keras brings has to be looked at first.
"""

# fmt: off
# `dcgan_tf.nets.saved` makes these itself, for a net that is one layer after the other.
CHAIN_LAYERS = frozenset({
    "Dense", "Conv2D", "Conv2DTranspose", "Flatten", "Reshape", "Permute",
    "BatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization",
    "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax",
    "MaxPooling2D", "AveragePooling2D", "GlobalMaxPooling2D", "GlobalAveragePooling2D",
    "UpSampling2D", "ZeroPadding2D", "Cropping2D", "Rescaling",
    "Dropout", "SpatialDropout2D", "GaussianDropout", "GaussianNoise",
})
# `dcgan_tf.nets.branched` lets Keras make these, for a net of any form.
BRANCHED_LAYERS = CHAIN_LAYERS | {
    "InputLayer", "EinsumDense", "Embedding", "Conv1D", "DepthwiseConv2D", "SeparableConv2D", "RepeatVector", "Identity",
    "Normalization", "Resizing", "CenterCrop", "RMSNormalization", "SpectralNormalization", "GlobalMaxPooling1D",
    "GlobalAveragePooling1D", "AlphaDropout", "Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply",
    "Subtract", "MultiHeadAttention", "Attention",
    "RandomFlip", "RandomTranslation", "RandomRotation", "RandomZoom", "RandomContrast", "RandomBrightness",
}
# fmt: on

NET_CLASSES = frozenset({"Sequential", "Functional", "Model"})  # Early TensorFlow 2 saved a functional net as "Model".
