"""The generator for other runtimes: ONNX and LiteRT. Input `latents` float32 [N, Z], output `images` float32
[N, H, W, C] in -1..1 (pixel = round(x * 127.5 + 127.5)); N is free."""

import contextlib
import importlib.util
import json
import logging
import warnings
from pathlib import Path

from dcgan_tf.common.backend import quiet_stderr, tf
from dcgan_tf.common.errors import Mismatch, UserError, printable

OPSET = 18  # of ONNX: the newest that tf2onnx 1.17 writes; onnxruntime 1.14 (2023) and later run it
NEEDED = {
    "savedmodel": ("tensorflow_serving",),
    "onnx": ("tf2onnx", "onnx", "onnxruntime"),
    "litert": ("ai_edge_litert",),
}


def check_packages(formats) -> None:
    """Raises:
    UserError: a package that a format needs is not installed.
    """
    for format in formats:
        missing = [name.replace("_", "-") for name in NEEDED[format] if importlib.util.find_spec(name) is None]
        if missing:
            raise UserError(
                f"--formats {format}: {' and '.join(missing)} missing: pip install 'dcgan-tf[export]', or leave it out"
            )


def to_onnx(generator, path: Path, card: dict) -> None:
    """Writes an ONNX file of opset `OPSET`, with the model card among its metadata.

    Raises:
        Mismatch: ONNX of that opset has not all that the net is made of.
    """
    import onnx
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    function = _float_function(generator)
    with _in_one_line(), quiet_stderr():
        model, _ = tf2onnx.convert.from_function(function, function.input_signature, opset=OPSET)
        onnx.checker.check_model(model)
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "N"
    onnx.helper.set_model_props(model, {"model_card": json.dumps(card)})
    onnx.save(model, str(path))


def to_litert(generator, path: Path, quantize: str | None = None) -> None:
    """Writes a .tflite file with the signature serving_default.

    quantize: "float16" halves the weights; "dynamic" stores them in 8 bits, computed with in integers where LiteRT can.

    Raises:
        Mismatch: LiteRT has not all that the net is made of.
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
    path.write_bytes(converted)


@contextlib.contextmanager
def _in_one_line():
    """Of a net that a converter cannot express. Each has exceptions of its own, tf2onnx none at all: its check tells."""
    try:
        yield
    except OSError:
        raise  # of the disk
    except Exception as error:
        words = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise Mismatch(f"cannot express this net: {printable(words.strip())}") from error


def _float_function(generator):
    @tf.function(input_signature=[tf.TensorSpec([None, generator.input_shape[-1]], tf.float32, name="latents")])
    def images(latents):
        return {"images": generator(latents, training=False)}

    return images
