"""The names of the layers that a saved net may have: each computes plainly, and none runs code from the file.

A name that is not listed here is refused, so that a layer which a later Keras brings has to be looked at first.
"""

# fmt: off
ALLOWED_LAYERS = frozenset({
    "InputLayer",
    "Dense", "EinsumDense", "Embedding", "CategoryEncoding",
    "Conv1D", "Conv2D", "Conv2DTranspose", "DepthwiseConv2D", "SeparableConv2D",
    "Flatten", "Reshape", "Permute", "RepeatVector", "Identity", "ActivityRegularization",
    "BatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization", "RMSNormalization",
    "SpectralNormalization",
    "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax",
    "MaxPooling2D", "AveragePooling2D",
    "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D",
    "UpSampling2D", "ZeroPadding2D", "Cropping2D", "Resizing", "CenterCrop", "Rescaling", "Normalization",
    "Dropout", "SpatialDropout2D", "AlphaDropout", "GaussianDropout", "GaussianNoise",
    "Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract",
    "MultiHeadAttention", "Attention",
    "RandomFlip", "RandomTranslation", "RandomRotation", "RandomZoom", "RandomContrast", "RandomBrightness",
})
# fmt: on

NET_CLASSES = frozenset({"Sequential", "Functional", "Model"})  # Early TensorFlow 2 saved a functional net as "Model".
