"""Writes what TensorFlow Serving needs beside a SavedModel: batching figures, warm-up requests, start files, clients.

serving/paints200/
  100/                        a version: the SavedModel, and in assets.extra/ the requests that warm it up
  models.config               what to serve                      docker-compose.yml   both start the server
  batching.config             how to merge requests              kubernetes.yaml
  client.py  client_grpc.py   ask it, by REST and by gRPC

An export adds version folders. The files beside them belong to the user once they are written: no export changes them.
"""

import json
import math
import os
import re
import statistics
import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template

import numpy as np

from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.files import whole_file

MODELS, BATCHING = "models.config", "batching.config"
COMPANIONS = (MODELS, BATCHING, "docker-compose.yml", "kubernetes.yaml", "client.py", "client_grpc.py")

MAX_NAMES_LINE = 80  # characters of the names of all classes on a line of the clients

GUARANTEED_BATCH_SIZE = 64  # Every server takes requests of this many images, however slow the net.
MAX_BATCH_SIZE = 256
MAX_BATCH_SECONDS = 1.0  # A larger batch than the guaranteed one must not keep other requests waiting longer.
MAX_WAIT_MICROSECONDS = 10_000

MIN_RATE_GAIN_FACTOR = 1.1  # Doubling the largest batch must give this many times the images per second.
MAX_TIME_FACTOR = 0.9  # A smaller batch size is allowed where it takes less than this part of the next one's time.
MIN_WAIT_GAIN_FACTOR = 1.5  # Waiting for other requests must give this many times the images per second.


@dataclass(frozen=True)
class Batching:
    """How the server merges requests. Names and meaning are those of TensorFlow Serving's BatchingParameters.

    max_batch_size        images in a batch at most
    allowed_batch_sizes   increasing, up to max_batch_size: a batch is padded up to the next of them
    batch_timeout_micros  how long the first request of a batch waits for others
    seconds_of_one        what one image took on the machine of the export
    seconds_of_max        what max_batch_size images took there

    The number of threads is left to the server, which takes one per core. Requests are not split, because what that
    means together with allowed_batch_sizes differs between versions of the server.
    """

    max_batch_size: int
    allowed_batch_sizes: tuple[int, ...]
    batch_timeout_micros: int
    seconds_of_one: float
    seconds_of_max: float
    max_enqueued_batches: int = 100


def measure(run: Callable[[int], None]) -> dict[int, float]:
    """Seconds that `run(size)` takes for a batch of 1, 2, 4, ... 256 images: the median of three calls after a first.

    Sizes over 64 are left out once a batch takes over a second.
    """
    seconds = {}
    size = 1
    while size <= MAX_BATCH_SIZE and (size <= GUARANTEED_BATCH_SIZE or seconds[size // 2] <= MAX_BATCH_SECONDS):
        run(size)  # The first call of a size is slow: it plans memory and picks kernels.
        seconds[size] = statistics.median(_seconds_of(run, size) for _ in range(3))
        size *= 2
    return seconds


def batching(seconds: dict[int, float]) -> Batching:
    """The figures for a net whose batches take `seconds[size]`; sizes are 1, 2, 4, ... up to at least 64."""

    def rate(size):
        return size / seconds[size]

    def doubling_pays(size):
        is_fast = seconds.get(2 * size, math.inf) <= MAX_BATCH_SECONDS
        return is_fast and rate(2 * size) >= MIN_RATE_GAIN_FACTOR * rate(size)

    largest = GUARANTEED_BATCH_SIZE
    while doubling_pays(largest):
        largest *= 2
    allowed = [largest]
    for size in sorted(seconds, reverse=True):
        # A batch that is hardly faster than the next larger one is padded up to it: TensorFlow keeps one plan less.
        if size < largest and seconds[size] < MAX_TIME_FACTOR * seconds[allowed[0]]:
            allowed.insert(0, size)
    # Waiting for other requests pays only where a batch makes more images per second than one image at a time does.
    waiting_pays = max(map(rate, allowed)) >= MIN_WAIT_GAIN_FACTOR * rate(1)
    return Batching(
        max_batch_size=largest,
        allowed_batch_sizes=tuple(allowed),
        batch_timeout_micros=min(round(seconds[1] / 2 * 1e6), MAX_WAIT_MICROSECONDS) if waiting_pays else 0,
        seconds_of_one=seconds[1],
        seconds_of_max=seconds[largest],
    )


def kept_batch_size(out: Path) -> int | None:
    """The max_batch_size of the batching.config that is in `out` already; None where there is no such file.

    A server that was started with it refuses a version whose warm-up requests are larger.

    Raises:
        UserError: the file cannot be read, or gives no such number.
    """
    path = Path(out) / BATCHING
    if not os.path.lexists(path):
        return None
    lines = [line.split("#")[0] for line in _read(path).splitlines()]
    found = re.search(r"\bmax_batch_size\s*:?\s*[{<]\s*value\s*:\s*(\d+)", "\n".join(lines))
    if found is None or int(found[1]) < 1:
        raise UserError(
            f"{printable(path)}: no max_batch_size {{ value: ... }} of 1 or more: "
            "add it, or delete the file to have it written again"
        )
    return int(found[1])


def write_warmup(version_folder: Path, model_name: str, batches: list[dict[str, np.ndarray]]) -> None:
    """Writes the requests that TensorFlow Serving runs before it calls a version available.

    batches: the inputs of serving_default by name, one request each: latents [n, Z], float32, and labels [n], int32, where
    it takes them.
    """
    from tensorflow_serving.apis import model_pb2, predict_pb2, prediction_log_pb2

    from dcgan_tf.common.backend import tf

    spec = model_pb2.ModelSpec(name=model_name, signature_name="serving_default")
    extra = Path(version_folder) / "assets.extra"
    extra.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(extra / "tf_serving_warmup_requests")) as writer:
        for inputs in batches:
            request = predict_pb2.PredictRequest(model_spec=spec)
            for name, values in inputs.items():
                request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            writer.write(log.SerializeToString())


def write_companions(
    out: Path, model_name: str, batching: Batching | None, classes: int = 0, label_names: Sequence[str] = ()
) -> list[str]:
    """Writes into `out` those of COMPANIONS that are not there yet, and returns the names of those that are there.

    model_name: as in the server's addresses, of A-Z a-z 0-9 _ -. batching: None where a batching.config is there.
    classes: how many the generator draws, 0 where it takes no label. label_names: of them, printable; () for none.

    Raises:
        UserError: the disk is full, the folder cannot be written, or a file that is there cannot be read.
    """
    out = Path(out)
    kept = [name for name in COMPANIONS if os.path.lexists(out / name)]
    values = {
        "model_name": model_name,
        "kubernetes_name": kubernetes_name(model_name),
        "classes": classes,
        "label_names": _names_text(label_names),
    }
    if batching is not None:
        values |= {
            "max_batch_size": batching.max_batch_size,
            "allowed_batch_sizes": ", ".join(map(str, batching.allowed_batch_sizes)),
            "batch_timeout_micros": batching.batch_timeout_micros,
            "max_enqueued_batches": batching.max_enqueued_batches,
            "milliseconds_of_one": f"{batching.seconds_of_one * 1000:.3g}",
            "milliseconds_of_max": f"{batching.seconds_of_max * 1000:.3g}",
        }
    # kubernetes.yaml repeats both configurations as they are in the folder, with the user's changes.
    configs = {name: _read(out / name) if name in kept else _filled(name, values) for name in (MODELS, BATCHING)}
    values["models_config"], values["batching_config"] = (textwrap.indent(text, "    ") for text in configs.values())
    for name in COMPANIONS:
        if name not in kept:
            with whole_file(out / name) as path:
                path.write_text(_filled(name, values), encoding="utf-8")
    return kept


def kubernetes_name(model_name: str) -> str:
    """A name that a Kubernetes Service may have (RFC 1035): a-z, 0-9 and -, a letter first, 63 at most."""
    name = re.sub(r"[^a-z0-9]+", "-", model_name.lower()).strip("-")
    if not re.match(r"[a-z]", name):
        name = f"model-{name}"
    return name[:63].strip("-")


def _names_text(names: Sequence[str]) -> str:
    """Names in JSON, on one line or, where that is too long, on one each. A string of Python in three quotes, with r before
    it, can hold it: JSON has no three quotes in a row."""
    line = json.dumps(names, ensure_ascii=False)
    return line if len(line) <= MAX_NAMES_LINE else json.dumps(names, ensure_ascii=False, indent=1)


def _filled(name: str, values: dict) -> str:
    """The text of a template with its $names replaced."""
    template = (resources.files("dcgan_tf.export") / "templates" / name).read_text(encoding="utf-8")
    return Template(template).substitute(values)


def _seconds_of(run, size: int) -> float:
    start = time.perf_counter()
    run(size)
    return time.perf_counter() - start


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UserError(
            f"{printable(path)}: cannot be read ({reason}): mend it, or delete it to have it written again"
        ) from error
