"""Runs exported generators by the runtimes that they are made for: TensorFlow without Keras, onnxruntime, LiteRT.

This file imports nothing of dcgan_tf. It is also a program, which `export.verify` starts as a process that can
import neither dcgan_tf nor Keras: what runs there runs for others, too.

    python -P runtimes.py KIND PATH INPUTS OUTPUTS      INPUTS, OUTPUTS: pickles, see `main`
"""

import functools
import math
import os
import pickle
import sys
import time
from pathlib import Path

import numpy as np
import psutil

MAX_LATENT_DIM = 2**16  # No generator takes that many; a file may claim any number.


class SavedModel:
    """The folder of a SavedModel, through `tf.saved_model.load`; a call takes latents, and labels where the net takes them,
    and gives images."""

    def __init__(self, path: str):
        import tensorflow as tf

        self.signatures = tf.saved_model.load(path).signatures
        specs = {spec.name: spec for spec in self.signatures["serving_default"].structured_input_signature[1].values()}
        [self._output] = self.signatures["serving_default"].structured_outputs
        self._input, self.takes_labels = _input_names(specs)
        self.latent_dim = _latent_dim(specs[self._input].shape.as_list())

    def __call__(self, latents, labels=None):
        return self.run("serving_default", _inputs(self._input, latents, labels))[self._output]

    def run(self, signature: str, inputs: dict) -> dict:
        """Calls a signature: arrays by the names of its inputs -> arrays by the names of its outputs."""
        function = self.signatures[signature]
        specs = function.structured_input_signature[1]
        outputs = function(**{name: _tensor(value, specs[name].dtype) for name, value in inputs.items()})
        return {name: value.numpy() for name, value in outputs.items()}


class SavedModelSession:
    """The folder of a SavedModel, through the loader of TensorFlow 1 and a Session, as TensorFlow Serving loads it."""

    def __init__(self, path: str):
        import tensorflow as tf

        self._session = tf.compat.v1.Session(graph=tf.Graph())
        with self._session.graph.as_default():
            self.signatures = tf.compat.v1.saved_model.load(self._session, ["serve"], path).signature_def

    def __call__(self, latents, labels=None):
        return self.run("serving_default", _inputs("latents", latents, labels))["images"]

    def run(self, signature: str, inputs: dict) -> dict:
        """Calls a signature: arrays by the names of its inputs -> arrays by the names of its outputs."""
        definition = self.signatures[signature]
        fetches = {name: tensor.name for name, tensor in definition.outputs.items()}
        return self._session.run(fetches, {definition.inputs[name].name: value for name, value in inputs.items()})


class OnnxFile:
    """An ONNX file, through onnxruntime, whatever it takes."""

    def __init__(self, path: str):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # Errors are raised, not printed as well.
        _limit_memory()
        options.add_session_config_entry("session.use_env_allocators", "1")
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._specs = {spec.name: spec for spec in self._session.get_inputs()}

    def run(self, signature: str, inputs: dict) -> dict:
        """Calls the net: arrays by the names of its inputs -> arrays by the names of its outputs. signature: any."""
        names = [output.name for output in self._session.get_outputs()]
        return dict(zip(names, self._session.run(names, inputs)))


class Onnx(OnnxFile):
    """An ONNX file that takes latents, and labels where it draws classes; a call takes them and gives images."""

    def __init__(self, path: str):
        super().__init__(path)
        if "seeds" in self._specs:
            raise ValueError("it takes seeds: give the file without -seeds in its name, which takes latents")
        self._input, self.takes_labels = _input_names(self._specs)
        self.latent_dim = _latent_dim(self._specs[self._input].shape)

    def __call__(self, latents, labels=None):
        [images] = self.run("serving_default", _inputs(self._input, latents, labels)).values()
        return images


class LiteRT:
    """A .tflite file, through ai-edge-litert; a call takes latents, and labels where the net takes them, and gives images."""

    def __init__(self, path: str):
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(path, num_threads=os.cpu_count())
        self._runner = interpreter.get_signature_runner("serving_default")
        specs = self._runner.get_input_details()
        self._input, self.takes_labels = _input_names(specs)
        self.latent_dim = _latent_dim(specs[self._input]["shape_signature"])
        _check_tensors(interpreter.get_tensor_details())
        self._interpreter = interpreter  # The runner works only as long as its interpreter lives.

    def __call__(self, latents, labels=None):
        return self.run("serving_default", _inputs(self._input, latents, labels))["images"]

    def run(self, signature: str, inputs: dict) -> dict:
        """Calls the net: arrays by the names of its inputs -> arrays by the names of its outputs. signature: any."""
        return self._runner(**inputs)


RUNTIMES = {"savedmodel": SavedModel, "onnx": Onnx, "litert": LiteRT}


def _input_names(specs: dict) -> tuple[str, bool]:
    """(the input that takes latents, whether there is one for labels beside it), of inputs by their names."""
    others = [name for name in specs if name != "labels"]
    if len(others) != 1:
        raise ValueError(f"it takes {', '.join(specs)}, not latents, or latents and labels")
    return others[0], "labels" in specs


def _inputs(name: str, latents, labels) -> dict:
    return {name: latents} if labels is None else {name: latents, "labels": labels}


def _latent_dim(shape) -> int:
    """The size of a latent, from the shape [N, latent_dim] of an input."""
    if len(shape) != 2 or not isinstance(shape[1], (int, np.integer)) or shape[1] < 1:
        raise ValueError(f"its input is of shape {list(shape)}, not a row of latents for each image")
    if shape[1] > MAX_LATENT_DIM:
        raise ValueError(f"it takes {shape[1]:,} latents for each image, {MAX_LATENT_DIM:,} at most are drawn")
    return int(shape[1])


@functools.cache
def _limit_memory() -> None:
    """Makes onnxruntime raise an error, in all sessions, rather than take more memory than is free now."""
    import onnxruntime

    info = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    limit = onnxruntime.OrtArenaCfg({"max_mem": psutil.virtual_memory().available})
    onnxruntime.create_and_register_allocator(info, limit)


def _check_tensors(details: list[dict]) -> None:
    """Refuses a LiteRT file of which one tensor alone, for one image, does not fit into the memory."""
    largest = max(math.prod(map(int, tensor["shape"])) for tensor in details)
    if largest > psutil.virtual_memory().available:
        raise ValueError(f"a tensor in it has {largest:,} numbers, more than the free bytes of memory")


def _tensor(value, dtype):
    import tensorflow as tf

    return tf.constant(value, dtype)


# ---------------------------------------------------------------------------------------------- as a program


def main(kind: str, path: str, inputs_path: str, outputs_path: str) -> None:
    """Runs an artifact on the inputs in a file, and writes what it makes into another. Both are pickles.

    kind: of RUNTIMES. inputs: {signature: {name: array}}; those of the only one for ONNX and LiteRT.
    outputs: {"outputs": {loader: {signature: {name: array}}}, "milliseconds": {1: float, 64: float},
    "warmup": [batch size of each warm-up request, in order]}.
    """
    inputs = pickle.loads(Path(inputs_path).read_bytes())
    warmup = []
    if kind == "savedmodel":
        nets = {"tf.saved_model.load": SavedModel(path), "session": SavedModelSession(path)}
        outputs = {
            loader: {signature: net.run(signature, inputs[signature]) for signature in sorted(net.signatures)
                     if signature in inputs}
            for loader, net in nets.items()
        }  # fmt: skip
        net, timed = nets["session"], "serving_default"
        warmup = [replay(request, net) for request in warmup_requests(path)]
    else:
        net, [timed] = {"onnx": OnnxFile, "litert": LiteRT}[kind](path), inputs
        outputs = {kind: {timed: net.run(timed, inputs[timed])}}
    batches = {
        count: {name: np.resize(array, [count, *array.shape[1:]]) for name, array in inputs[timed].items()}
        for count in (1, 64)
    }
    milliseconds = {count: _milliseconds(lambda batch=batch: net.run(timed, batch)) for count, batch in batches.items()}
    result = {"outputs": outputs, "milliseconds": milliseconds, "warmup": warmup}
    Path(outputs_path).write_bytes(pickle.dumps(result))


def warmup_requests(path: str) -> list:
    """The warm-up requests in a SavedModel's folder, as PredictRequest messages."""
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    file = Path(path) / "assets.extra" / "tf_serving_warmup_requests"
    if not file.exists():
        return []
    records = tf.data.TFRecordDataset(str(file)).as_numpy_iterator()
    return [prediction_log_pb2.PredictionLog.FromString(record).predict_log.request for record in records]


def replay(request, net: SavedModelSession) -> int:
    """Runs a request -> the number of images that it gives."""
    import tensorflow as tf

    inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
    outputs = net.run(request.model_spec.signature_name, inputs)
    return len(next(iter(outputs.values())))


def _milliseconds(run) -> float:
    """How long one call takes: the median of three calls after a first one, which warms up.

    Where the first takes over a second, one more call must do.
    """
    seconds = []
    while len(seconds) < 4 and not (len(seconds) == 2 and seconds[0] > 1):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return 1000 * float(np.median(seconds[1:]))


if __name__ == "__main__":
    for _absent in ("dcgan_tf", "keras"):
        sys.modules[_absent] = None
    main(*sys.argv[1:])
