"""Settings of Keras 1 and 2 in the words of Keras 3; what has no sure meaning today is refused."""

import pytest
from support.helpers import error_of

from dcgan_tf.nets.reading.dialects import Version, says_channels_first, translated

KERAS_1, KERAS_2, KERAS_3 = Version(1, 2), Version(2, 2), Version(3)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.2.2", (1, 2)), ("2.0.9", (2, 0)), ("2.2.4-tf", (2, 2)), (b"2.1.6", (2, 1)), ("2.15.0", (2, 15)), ("3.10", (3, 10)),
        ("2", (2, 0)), (3, (3, 0)), ("", (3, 0)), ("x.y", (3, 0)), ({}, (3, 0)), (None, (3, 0)), (b"\xff", (3, 0)),
    ],
)  # fmt: skip
def test_versions(text, version):
    assert Version.of(text)[:2] == version
    assert not Version.of(text).is_theano


@pytest.mark.parametrize(
    ("backend", "is_theano"), [("theano", True), (b"theano", True), (b"tensorflow", False), (3, False)]
)
def test_backends(backend, is_theano):
    assert Version.of("2.0.9", backend).is_theano is is_theano


@pytest.mark.parametrize(
    ("kind", "config", "today", "settings"),
    [
        ("Dense", {"output_dim": 5, "init": "uniform", "bias": False, "input_dim": 3, "input_dtype": "float32"},
         "Dense", {"units": 5, "kernel_initializer": "uniform", "use_bias": False}),
        ("Convolution2D", {"nb_filter": 4, "nb_row": 3, "nb_col": 5, "subsample": [2, 1], "border_mode": "same", "dim_ordering": "th"},
         "Conv2D", {"filters": 4, "kernel_size": [3, 5], "strides": [2, 1], "padding": "same", "data_format": "channels_first"}),
        ("AtrousConvolution2D", {"nb_filter": 4, "nb_row": 3, "nb_col": 3, "atrous_rate": [2, 2], "dim_ordering": "tf"},
         "Conv2D", {"filters": 4, "kernel_size": [3, 3], "dilation_rate": [2, 2], "data_format": "channels_last"}),
        ("Deconvolution2D", {"nb_filter": 4, "nb_row": 4, "nb_col": 4, "output_shape": [None, 8, 8, 4]},
         "Conv2DTranspose", {"filters": 4, "kernel_size": [4, 4]}),
        ("Dropout", {"p": 0.3}, "Dropout", {"rate": 0.3}),
        ("GaussianNoise", {"sigma": 0.1}, "GaussianNoise", {"stddev": 0.1}),
        ("LeakyReLU", {"alpha": 0.2}, "LeakyReLU", {"negative_slope": 0.2}),
        ("Embedding", {"input_dim": 10, "output_dim": 5, "input_length": 1, "init": "uniform", "dropout": 0.0},
         "Embedding", {"input_dim": 10, "output_dim": 5, "embeddings_initializer": "uniform"}),
        ("ZeroPadding2D", {"padding": [1, 2, 3, 4]}, "ZeroPadding2D", {"padding": [[1, 2], [3, 4]]}),
        ("ZeroPadding2D", {"padding": [2, 1], "dim_ordering": "default"}, "ZeroPadding2D", {"padding": [2, 1], "data_format": "channels_last"}),
        ("BatchNormalization", {"mode": 0, "axis": -1, "gamma_init": "one"}, "BatchNormalization", {"axis": -1, "gamma_init": "one"}),
        ("Merge", {"name": "m", "mode": "concat", "concat_axis": 1, "mode_type": "raw"}, "Concatenate", {"name": "m", "axis": 1}),
        ("Merge", {"name": "m", "mode": "mul", "concat_axis": -1}, "Multiply", {"name": "m"}),
        ("Merge", {"name": "m", "mode": "sum"}, "Add", {"name": "m"}),
        ("Merge", {"name": "m", "mode": "ave"}, "Average", {"name": "m"}),
        ("Merge", {"name": "m", "mode": "max"}, "Maximum", {"name": "m"}),
    ],
)  # fmt: skip
def test_keras_1(kind, config, today, settings):
    given, said = translated(kind, config, KERAS_1)
    assert given == today
    assert {key: said[key] for key in settings} == settings
    assert not {"input_dtype", "nb_row", "output_shape", "mode", "dropout"} & set(said)


def test_keras_1_leaves_out_of_some_layers_that_images_are_of_channels_first():
    first = Version(1, 2, is_channels_first=True)
    assert translated("UpSampling2D", {"size": [2, 2]}, first)[1]["data_format"] == "channels_first"
    assert "data_format" not in translated("UpSampling2D", {"size": [2, 2]}, KERAS_1)[1]
    assert says_channels_first({"config": [{"config": {}}, {"config": {"dim_ordering": "th"}}]})
    assert not says_channels_first({"config": [{"config": {"dim_ordering": "tf"}}, {"config": {"name": "th"}}]})


def test_a_file_of_keras_1_that_does_not_say_its_version():
    assert translated("Convolution2D", {"nb_filter": 4, "nb_row": 3, "nb_col": 3}, KERAS_3)[1]["filters"] == 4
    assert translated("Dropout", {"p": 0.3}, KERAS_2)[1] == {"rate": 0.3}


@pytest.mark.parametrize(
    "config", [{"mode": "dot"}, {"mode": "cos"}, {"mode": "lambda x: x"}, {"mode": "sum", "mode_type": "lambda"}, {}]
)
def test_merges_that_do_not_load(config):
    assert error_of(translated, "Merge", config, KERAS_1) == (
        f"holds a Merge by {config.get('mode')}, which does not load: only sum, mul, concat, ave, max do, never code"
    )


def test_a_batch_normalization_that_keras_has_given_up():
    assert error_of(translated, "BatchNormalization", {"mode": 2}, KERAS_1) == (
        "holds a BatchNormalization of a mode that Keras has given up: save the net with Keras 2 or 3"
    )


@pytest.mark.parametrize(
    ("kind", "today"),
    [
        ("BatchNormalizationV1", "BatchNormalization"), ("BatchNormalizationV2", "BatchNormalization"),
        ("Convolution2DTranspose", "Conv2DTranspose"), ("MaxPool2D", "MaxPooling2D"), ("GlobalAvgPool2D", "GlobalAveragePooling2D"),
        ("Lambda", "Lambda"), ("Mine", "Mine"),
    ],
)  # fmt: skip
def test_other_names_of_keras_2(kind, today):
    assert translated(kind, {}, KERAS_2) == (today, {})


def test_settings_without_an_effect_are_left_out():
    config = {
        "units": 2,
        "ragged": False,
        "sparse": False,
        "batch_size": 3,
        "lora_rank": None,
        "renorm": False,
        "renorm_momentum": 0.9,
    }
    assert translated("Dense", config, KERAS_2)[1] == {"units": 2}
    assert translated("InputLayer", {"batch_input_shape": [None, 3]}, KERAS_2)[1] == {"batch_shape": [None, 3]}
    assert (
        "renorm" in translated("BatchNormalization", {"renorm": True}, KERAS_2)[1]
    )  # It is refused where layers are made.


@pytest.mark.parametrize(
    "number",
    [{"class_name": "__numpy__", "config": {"value": 0.2, "dtype": "float32"}}, {"type": "ndarray", "value": 0.2}],
)
def test_numbers_that_were_written_with_their_type(number):
    assert translated("LeakyReLU", {"alpha": number}, KERAS_2)[1] == {"negative_slope": 0.2}


def test_the_hard_sigmoid_had_another_slope_before_keras_3():
    config = {"activation": "hard_sigmoid"}
    assert translated("Activation", config, KERAS_3)[1] == config
    for version in (KERAS_1, KERAS_2):
        assert translated("Activation", config, version)[1] not in (config, {})
    assert config == {"activation": "hard_sigmoid"}  # What is given is never changed.


def test_theano_pads_strided_and_even_kernels_in_its_own_way():
    theano = Version(2, 0, is_theano=True)

    def padding(kind="Conv2D", padding="same", strides=(1, 1), kernel=(3, 3), version=theano):
        return translated(kind, {"padding": padding, "strides": [*strides], "kernel_size": [*kernel]}, version)[1][
            "padding"
        ]

    assert padding() == padding(version=KERAS_2, strides=(2, 2)) == "same"
    assert padding(padding="valid", strides=(2, 2)) == "valid"
    assert padding(strides=(2, 2)) == padding(kernel=(4, 3)) == padding("Conv2DTranspose", strides=(2, 2)) != "same"
