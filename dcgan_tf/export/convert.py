"""Converts a generator for other runtimes: ONNX and LiteRT.

Each file takes `latents` float32 [N, Z], and `labels` int32 [N] where the generator draws classes, and gives `images`
float32 [N, H, W, C] in -1..1, whatever the net itself makes; N is free. A pixel is round(x * 127.5 + 127.5), cut to
0..255. An ONNX file may instead take seeds and give pixels, see `seeded`.
"""

import contextlib
import importlib.util
import json
import logging
import warnings
from pathlib import Path

from dcgan_tf.common.backend import quiet_stderr, tf
from dcgan_tf.common.errors import Mismatch, UserError, printable
from dcgan_tf.common.install import install_command, package_of
from dcgan_tf.export.labels import CONVERTED_CHECK, out_of_bounds_beyond, words_of_range
from dcgan_tf.generators.checks import litert_with_card, sealed
from dcgan_tf.nets.conditional import inputs_of

ONNX_OPSET = 18  # This is the newest that tf2onnx 1.17 writes; onnxruntime 1.14 (2023) and later run it.
NEEDED_PACKAGES = {
    "savedmodel": ("tensorflow_serving",),
    "onnx": ("tf2onnx", "onnx", "onnxruntime"),
    "litert": ("ai_edge_litert",),
}


def check_packages(formats) -> None:
    """Checks that the packages are installed which the formats need, keys of NEEDED_PACKAGES.

    Raises:
        UserError: one is missing.
    """
    for format in formats:
        missing = [package_of(name) for name in NEEDED_PACKAGES[format] if importlib.util.find_spec(name) is None]
        if missing:
            raise UserError(
                f"--formats {format}: {' and '.join(missing)} missing: {install_command(missing)}, or leave {format} out"
            )


def to_onnx(generator, path: Path, card: dict, seeds_of: str | None = None) -> None:
    """Writes an ONNX file of opset `ONNX_OPSET`, with the model card among its metadata.

    seeds_of: the distribution of the latents, where the net is to take seeds; None where it takes latents.

    Raises:
        Mismatch: ONNX of that opset cannot express the net.
    """
    import onnx
    import tf2onnx

    from dcgan_tf.export.seeded import with_seeds

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    function, takes = _float_function(generator), inputs_of(generator)
    with _in_one_line(), quiet_stderr():
        model, _ = tf2onnx.convert.from_function(function, function.input_signature, opset=ONNX_OPSET)
        if seeds_of is not None:
            model = with_seeds(model, takes.latent_dim, seeds_of)
        for node in model.graph.node:
            if node.name == CONVERTED_CHECK:  # onnxruntime tells of the node that fails by its name.
                node.name = words_of_range(takes.classes)
        onnx.checker.check_model(model)
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "N"
    onnx.helper.set_model_props(model, {"model_card": json.dumps(card)})
    path.write_bytes(sealed(model.SerializeToString()))


def to_litert(generator, path: Path, card: dict, quantize: str | None = None) -> None:
    """Writes a .tflite file with the signature serving_default, and with the model card.

    quantize: "float16" halves the weights; "dynamic" stores them in 8 bits, and LiteRT computes in integers where it
    can.

    Raises:
        Mismatch: LiteRT cannot express the net.
    """
    function = _float_function(generator)
    module = tf.Module()
    module.weights, module.function = [variable.value for variable in generator.variables], function
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], module)
    if quantize:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    with _in_one_line(), quiet_stderr(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converted = converter.convert()
    path.write_bytes(litert_with_card(converted, card))


@contextlib.contextmanager
def _in_one_line():
    """Turns whatever a converter raises about the net into a Mismatch of one line.

    Converters have no error in common: TensorFlow has its own, and tf2onnx raises none, so that only the check of the
    model fails.
    """
    try:
        yield
    except OSError:
        raise  # It is about the disk, not about the net.
    except Exception as error:
        words = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise Mismatch(f"cannot express this net: {printable(words.strip())}") from error


def _float_function(generator):
    """The tf.function that is converted: latents float32 [N, Z], and labels int32 [N] where the net takes them ->
    {"images": float32 [N, H, W, C]}."""
    takes = inputs_of(generator)

    @tf.function(input_signature=takes.specs())
    def images(latents, labels=None):
        if takes.classes:
            labels = out_of_bounds_beyond(labels, takes.classes)
        return {"images": generator(takes.arguments(generator, latents, labels), training=False)}

    return images
