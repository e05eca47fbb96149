"""A stand-in for tensorflow_model_server in tests: its flags, its files and its protocols, on TensorFlow for Python.

python tests/support/model_server.py --port 8500 --rest_api_port 8501 --model_config_file serving/x/models.config
    [--enable_batching=true --batching_parameters_file serving/x/batching.config]

It follows TensorFlow Serving's REST and gRPC documentation and sources (2.x) as we read them. Like the real server, it

- picks versions by models.config, and looks for new ones each second;
- loads them by the loader of TensorFlow 1, tag "serve";
- runs assets.extra/tf_serving_warmup_requests through the batching before a version is available;
- answers Predict and GetModelMetadata by gRPC; predict (rows and columns), status and metadata by REST;
- merges concurrent requests of a signature, pads the batch to the next allowed size with the first row of the last
  request, and refuses larger requests;
- opens its ports only once a version is available.

It has no string inputs, no classify and regress, no labels of versions and no full queues. Where the first version
cannot be loaded it ends at once; the real server tries five more times.

Each batch that it runs is a line on standard output: "batch SIGNATURE VERSION SIZE padded to SIZE".
"""

import argparse
import base64
import contextlib
import json
import os
import queue
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory, text_format, wrappers_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_log_pb2
from tensorflow_serving.apis import prediction_service_pb2_grpc as service_grpc
from tensorflow_serving.config import model_server_config_pb2

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from dcgan_tf.common.backend import tf  # noqa: E402
from support.programs import Program  # noqa: E402

HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "NOT_FOUND": 404,
    "UNAVAILABLE": 503,
    "UNIMPLEMENTED": 501,
}


class Refused(Exception):
    """A request that the server refuses. code: the name of a gRPC status."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


@dataclass
class Version:
    """A loaded version: its session, and the SignatureDef of each signature, by name."""

    number: int
    session: tf.compat.v1.Session
    signatures: dict

    def signature(self, name: str):
        return self.signatures[name or "serving_default"]


def batching_parameters_class():
    """The class of the message that batching.config holds as text: TensorFlow Serving's BatchingParameters.

    It is made here because the package tensorflow-serving-api lacks session_bundle_config.proto.
    """
    file = descriptor_pb2.FileDescriptorProto(name="batching_parameters.proto", package="tensorflow.serving")
    file.syntax = "proto3"
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    message = file.message_type.add(name="BatchingParameters")
    field = descriptor_pb2.FieldDescriptorProto
    numbers = ["max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads"]
    wrapped = {"type": field.TYPE_MESSAGE, "label": field.LABEL_OPTIONAL, "type_name": ".google.protobuf.Int64Value"}
    for number, name in enumerate(numbers, start=1):
        message.field.add(name=name, number=number, **wrapped)
    wrapped["type_name"] = ".google.protobuf.StringValue"
    message.field.add(name="thread_pool_name", number=5, **wrapped)
    message.field.add(name="allowed_batch_sizes", number=6, type=field.TYPE_INT64, label=field.LABEL_REPEATED)
    message.field.add(name="pad_variable_length_inputs", number=7, type=field.TYPE_BOOL, label=field.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(descriptor_pb2.FileDescriptorProto.FromString(wrappers_pb2.DESCRIPTOR.serialized_pb))
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tensorflow.serving.BatchingParameters"))


class Batcher:
    """Merges concurrent requests of each (version, signature), as TensorFlow Serving's batching session does."""

    def __init__(self, parameters):
        self.largest = parameters.max_batch_size.value
        self.allowed = list(parameters.allowed_batch_sizes) or None
        self.wait = parameters.batch_timeout_micros.value / 1e6
        self.queues = {}
        self.lock = threading.Lock()
        if self.allowed and self.allowed[-1] != self.largest:
            raise Refused("INVALID_ARGUMENT", "Last entry in allowed_batch_sizes must match max_batch_size")

    def run(self, version: Version, name: str, inputs: dict) -> dict:
        sizes = {value.shape[0] if value.ndim else None for value in inputs.values()}
        if len(sizes) != 1 or None in sizes:
            raise Refused("INVALID_ARGUMENT", "Batching session Run() input tensors must have equal 0th-dimension size")
        (size,) = sizes
        if size > self.largest:
            message = f"Task size {size} is larger than maximum input batch size {self.largest}"
            raise Refused("INVALID_ARGUMENT", message)
        with self.lock:
            if (version.number, name) not in self.queues:
                self.queues[version.number, name] = queue.Queue()
                threading.Thread(target=self._serve, args=[version, name], daemon=True).start()
        task = (inputs, size, Future())
        self.queues[version.number, name].put(task)
        return task[2].result()

    def _serve(self, version: Version, name: str):
        waiting, tasks = self.queues[version.number, name], []
        while True:
            tasks = tasks or [waiting.get()]
            closes = time.monotonic() + self.wait
            left_over = []
            while not left_over:
                try:
                    task = waiting.get(timeout=max(closes - time.monotonic(), 0))
                except queue.Empty:
                    break
                full = sum(size for _, size, _ in tasks) + task[1] > self.largest
                (left_over if full else tasks).append(task)
            self._run_batch(version, name, tasks)
            tasks = left_over

    def _run_batch(self, version: Version, name: str, tasks: list):
        total = sum(size for _, size, _ in tasks)
        padded = next(size for size in self.allowed if size >= total) if self.allowed else total
        print(f"batch {name} {version.number} {total} padded to {padded}", flush=True)
        try:
            last = tasks[-1][0]
            merged = {
                key: np.concatenate([inputs[key] for inputs, _, _ in tasks] + [last[key][:1]] * (padded - total))
                for key in last
            }
            outputs = run(version, name, merged)
            if any(value.shape[:1] != (padded,) for value in outputs.values()):
                raise Refused("FAILED_PRECONDITION", "Batched output tensor's 0th dimension does not equal the sum")
            start = 0
            for _, size, future in tasks:
                future.set_result({key: value[start : start + size] for key, value in outputs.items()})
                start += size
        except Exception as error:
            for _, _, future in tasks:
                future.set_exception(error)


def run(version: Version, name: str, inputs: dict) -> dict:
    """One run of the session: names of inputs to arrays -> names of outputs to arrays."""
    signature = version.signature(name)
    for key, value in inputs.items():
        dtype = tf.as_dtype(signature.inputs[key].dtype)
        if dtype != tf.as_dtype(value.dtype):
            raise Refused("INVALID_ARGUMENT", f"{key}: expects {dtype.name}, got {value.dtype}")
    try:
        return version.session.run(
            {key: info.name for key, info in signature.outputs.items()},
            {signature.inputs[key].name: value for key, value in inputs.items()},
        )
    except ValueError as error:  # The shape of an input does not fit.
        raise Refused("INVALID_ARGUMENT", str(error)) from error
    except tf.errors.OpError as error:
        raise Refused(grpc_name(error.error_code), error.message) from error


def grpc_name(number: int) -> str:
    return next(code.name for code in grpc.StatusCode if code.value[0] == number)


class Server:
    """The versions of one model, and the requests to it."""

    def __init__(self, config, batcher: Batcher | None):
        self.name, self.base_path, self.policy = config.name, Path(config.base_path), config.model_version_policy
        self.batcher = batcher
        self.versions, self.states = {}, {}

    def refresh(self) -> None:
        """Loads the versions that models.config asks for, and drops the others once one of these is there."""
        found = {int(path.name) for path in self.base_path.iterdir() if path.name.isdigit()}
        if self.policy.WhichOneof("policy_choice") == "specific":
            wanted = found & set(self.policy.specific.versions)
        elif self.policy.WhichOneof("policy_choice") == "all":
            wanted = found
        else:
            wanted = set(sorted(found)[-max(self.policy.latest.num_versions, 1) :])
        for number in sorted(wanted - set(self.states)):
            try:
                self._load(number)
                self.states[number] = ("AVAILABLE", "OK", "")
            except Exception as error:
                self.states[number] = ("END", getattr(error, "code", "UNKNOWN"), str(error))
                print(f"version {number} is not available: {error}", flush=True)
        if any(number in self.versions for number in wanted):
            for number in set(self.versions) - wanted:
                self.versions.pop(number)
                self.states[number] = ("END", "OK", "")

    def _load(self, number: int) -> None:
        folder = self.base_path / str(number)
        session = tf.compat.v1.Session(graph=tf.Graph())
        with session.graph.as_default():
            loaded = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
        version = Version(number, session, dict(loaded.signature_def))
        warm_up = folder / "assets.extra" / "tf_serving_warmup_requests"
        if warm_up.exists():
            for record in tf.data.TFRecordDataset(str(warm_up)).as_numpy_iterator():
                request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
                self.predict_with(version, request.model_spec.signature_name, arrays(request))
        self.versions[number] = version

    def version(self, number: int | None) -> Version:
        wanted = max(self.versions, default=None) if number is None else number
        if wanted not in self.versions:
            which = f"Latest({self.name})" if number is None else f"Specific({self.name}, {number})"
            raise Refused("NOT_FOUND", f"Servable not found for request: {which}")
        return self.versions[wanted]

    def predict_with(self, version: Version, name: str, inputs: dict) -> dict:
        name = name or "serving_default"
        if name not in version.signatures:
            raise Refused("FAILED_PRECONDITION", f'Serving signature key "{name}" not found.')
        wanted = set(version.signature(name).inputs)
        if set(inputs) != wanted:
            extra, missing = ",".join(sorted(set(inputs) - wanted)), ",".join(sorted(wanted - set(inputs)))
            raise Refused(
                "INVALID_ARGUMENT",
                f"input size does not match signature. Sent extra: {{{extra}}}. Missing but required: {{{missing}}}.",
            )
        return (self.batcher.run if self.batcher else run)(version, name, inputs)

    def status_json(self, number: int | None) -> dict:
        rows = [
            {"version": str(each), "state": state, "status": {"error_code": code, "error_message": message}}
            for each, (state, code, message) in sorted(self.states.items(), reverse=True)
            if number in (None, each)
        ]
        if not rows:
            raise Refused("NOT_FOUND", f"Could not find any versions of model {self.name}")
        return {"model_version_status": rows}

    def metadata_json(self, number: int | None) -> dict:
        version = self.version(number)
        signatures = {
            name: json_format.MessageToDict(signature, preserving_proto_field_name=True)
            for name, signature in version.signatures.items()
        }
        return {
            "model_spec": {"name": self.name, "signature_name": "", "version": str(version.number)},
            "metadata": {"signature_def": {"signature_def": signatures}},
        }

    def predict_json(self, number: int | None, body: bytes) -> dict:
        try:
            request = json.loads(body)
        except ValueError as error:
            raise Refused("INVALID_ARGUMENT", f"JSON Parse error: {error}") from error
        if not isinstance(request, dict):
            raise Refused("INVALID_ARGUMENT", "JSON Value: Is not object")
        name = request.get("signature_name", "serving_default")
        version = self.version(number)
        if name not in version.signatures:
            raise Refused("INVALID_ARGUMENT", f'Serving signature name: "{name}" not found in signature def')
        if ("instances" in request) == ("inputs" in request):
            raise Refused("INVALID_ARGUMENT", "Missing 'inputs' or 'instances' key, or both are given")
        infos = version.signature(name).inputs
        columns = columns_of(request["instances"], infos) if "instances" in request else request["inputs"]
        if not isinstance(columns, dict):
            if len(infos) > 1:
                raise Refused("INVALID_ARGUMENT", "inputs is a plain value/list, but expecting an object")
            columns = {key: columns for key in infos}
        if missing := sorted(set(infos) - set(columns)):
            raise Refused("INVALID_ARGUMENT", f"Missing named input: {missing[0]} in 'inputs' object.")
        inputs = {key: array_of(columns[key], tf.as_dtype(infos[key].dtype)) for key in infos}
        answer = self.predict_with(version, name, inputs)
        outputs = {key: plain(value, key) for key, value in sorted(answer.items())}
        if "inputs" in request:
            return {"outputs": outputs if len(outputs) > 1 else next(iter(outputs.values()))}
        rows = [dict(zip(outputs, row)) for row in zip(*outputs.values())]
        return {"predictions": rows if len(outputs) > 1 else [next(iter(row.values())) for row in rows]}


def columns_of(instances, infos) -> dict:
    """The row format of a request as the columnar one.

    instances: for each example a value, or an object with a value for each input.
    """
    if not isinstance(instances, list) or not instances:
        raise Refused("INVALID_ARGUMENT", "Expecting 'instances' to be a list with values")
    if not isinstance(instances[0], dict):
        if len(infos) > 1:
            raise Refused("INVALID_ARGUMENT", "instances is a plain list, but expecting list of objects")
        return {key: instances for key in infos}
    for index, row in enumerate(instances):
        if not isinstance(row, dict) or set(row) != set(infos):
            keys = ",".join(sorted(infos))
            raise Refused("INVALID_ARGUMENT", f"Failed to process element: {index}: keys must be equal to: {keys}")
    return {key: [row[key] for row in instances] for key in infos}


def array_of(value, dtype) -> np.ndarray:
    """JSON numbers as an array. Integers must be whole numbers, and all lists of a level equally long."""
    if dtype == tf.string:
        raise Refused("UNIMPLEMENTED", "this stand-in takes no strings")

    def check(leaf):
        whole = isinstance(leaf, int) and not isinstance(leaf, bool) and -(2**31) <= leaf < 2**31
        if not (whole if dtype.is_integer else whole or isinstance(leaf, float)):
            raise Refused("INVALID_ARGUMENT", f"JSON Value: {leaf} is not of expected type: {dtype.name}")

    leaves = [value]
    while leaves:
        leaf = leaves.pop()
        leaves.extend(leaf) if isinstance(leaf, list) else check(leaf)
    try:
        return np.array(value, np.float64 if dtype.is_floating else np.int64).astype(dtype.as_numpy_dtype)
    except ValueError as error:
        raise Refused("INVALID_ARGUMENT", f"Encountered list at unexpected size: {error}") from error


def plain(value, name: str):
    """An array as JSON; bytes as base64 where the output's name ends in _bytes."""
    if isinstance(value, np.ndarray):
        return [plain(row, name) for row in value] if value.dtype == object else value.tolist()
    return {"b64": base64.b64encode(value).decode()} if name.endswith("_bytes") else value.decode(errors="replace")


def arrays(request) -> dict:
    return {key: tf.make_ndarray(value) for key, value in request.inputs.items()}


def grpc_service(server: Server):
    class Service(service_grpc.PredictionServiceServicer):
        def Predict(self, request, context):
            with aborting(context):
                version = find(request, server)
                outputs = server.predict_with(version, request.model_spec.signature_name, arrays(request))
                answer = predict_pb2.PredictResponse(model_spec=request.model_spec)
                answer.model_spec.version.value = version.number
                answer.model_spec.signature_name = request.model_spec.signature_name or "serving_default"
                for key in request.output_filter or outputs:
                    if key not in outputs:
                        raise Refused("INVALID_ARGUMENT", f"output tensor alias not found in signature: {key}")
                    answer.outputs[key].CopyFrom(tf.make_tensor_proto(outputs[key]))
                return answer

        def GetModelMetadata(self, request, context):
            with aborting(context):
                if list(request.metadata_field) != ["signature_def"]:
                    raise Refused("INVALID_ARGUMENT", "GetModelMetadataRequest must ask for signature_def")
                version = find(request, server)
                answer = get_model_metadata_pb2.GetModelMetadataResponse()
                answer.model_spec.name, answer.model_spec.version.value = server.name, version.number
                signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=version.signatures)
                answer.metadata["signature_def"].Pack(signatures)
                return answer

    return Service()


def find(request, server: Server) -> Version:
    spec = request.model_spec
    if spec.name != server.name:
        raise Refused("NOT_FOUND", f"Servable not found for request: Latest({spec.name})")
    return server.version(spec.version.value if spec.HasField("version") else None)


@contextlib.contextmanager
def aborting(context):
    try:
        yield
    except Refused as error:
        context.abort(getattr(grpc.StatusCode, error.code), str(error))


def rest_handler(server: Server):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.answer(r"/v1/models/([^/:]+)(?:/versions/(\d+))?(/metadata)?")

        def do_POST(self):
            self.answer(r"/v1/models/([^/:]+)(?:/versions/(\d+))?:(predict)")

        def answer(self, pattern: str):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                match = re.fullmatch(pattern, self.path)
                if match is None:
                    raise Refused("INVALID_ARGUMENT", f"Malformed request: {self.command} {self.path}")
                number = int(match[2]) if match[2] else None
                if match[1] != server.name:
                    raise Refused("NOT_FOUND", f"Servable not found for request: Latest({match[1]})")
                if match[3] == "predict":
                    answer = server.predict_json(number, body)
                else:
                    answer = (server.metadata_json if match[3] else server.status_json)(number)
                status = 200
            except Refused as error:
                status, answer = HTTP_STATUS.get(error.code, 500), {"error": str(error)}
            text = json.dumps(answer, indent=4).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    return Handler


def main(arguments: list[str] | None = None, log: str | None = None):
    """arguments: default, those of the process. log: the file for what is printed; default: where it goes already."""
    if log:
        sys.stdout = sys.stderr = open(log, "w", buffering=1)
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8500)
    parser.add_argument("--rest_api_port", type=int, default=8501)
    parser.add_argument("--model_config_file", type=Path, required=True)
    parser.add_argument("--enable_batching", nargs="?", const="true", default="false")
    parser.add_argument("--batching_parameters_file", type=Path)
    flags = parser.parse_args(arguments)
    config = text_format.Parse(flags.model_config_file.read_text(), model_server_config_pb2.ModelServerConfig())
    batcher = None
    if flags.enable_batching == "true":
        parameters = text_format.Parse(flags.batching_parameters_file.read_text(), batching_parameters_class()())
        batcher = Batcher(parameters)
    server = Server(config.model_config_list.config[0], batcher)
    server.refresh()
    if not server.versions:
        sys.exit("no version is available")
    service = grpc.server(ThreadPoolExecutor(64), options=[("grpc.max_receive_message_length", -1)])
    service_grpc.add_PredictionServiceServicer_to_server(grpc_service(server), service)
    service.add_insecure_port(f"127.0.0.1:{flags.port}")
    service.start()
    rest = ThreadingHTTPServer(("127.0.0.1", flags.rest_api_port), rest_handler(server))
    threading.Thread(target=rest.serve_forever, daemon=True).start()
    while True:
        time.sleep(1)
        server.refresh()


@dataclass
class Running:
    """A server that runs: its process, where it listens, and the file of what it prints."""

    process: subprocess.Popen | Program
    port: int
    rest_port: int
    log: Path

    def get(self, path: str) -> dict:
        with urllib.request.urlopen(f"http://localhost:{self.rest_port}{path}", timeout=60) as answer:
            return json.load(answer)


SERVERS = ("stand-in", "tensorflow_model_server")
MAX_START_SECONDS = 120


def binary_of(server: str) -> str | None:
    """The program to give to `serving`: None for the stand-in, else what TF_MODEL_SERVER names.

    Where that is not set, the test is skipped.
    """
    if server == "stand-in":
        return None
    if not os.environ.get("TF_MODEL_SERVER"):
        pytest.skip("TF_MODEL_SERVER is not set: no tensorflow_model_server")
    return os.environ["TF_MODEL_SERVER"]


@contextlib.contextmanager
def serving(folder: Path, name: str, scratch: Path, binary: str | None = None):
    """Starts a server on an export's folder, with its models.config and batching.config, and waits for the model.

    scratch: a folder for its models.config and its log. binary: a tensorflow_model_server; None for this file.

    Yields a Running.

    Raises:
        RuntimeError: the server ends or takes too long; the message is its log.
    """
    config = scratch / "models.config"
    config.write_text((folder / "models.config").read_text().replace(f'"/models/{name}"', json.dumps(str(folder))))
    port, rest_port = free_ports(2)
    command = [f"--port={port}", f"--rest_api_port={rest_port}", f"--model_config_file={config}"]
    command += ["--enable_batching=true", f"--batching_parameters_file={folder / 'batching.config'}"]
    log = scratch / "server.log"
    process = _started(binary, command, log)
    running = Running(process, port, rest_port, log)
    try:
        deadline = time.monotonic() + MAX_START_SECONDS
        while True:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text(errors="replace"))
            with contextlib.suppress(OSError):
                running.get(f"/v1/models/{name}/metadata")
                break
            time.sleep(0.1)
        yield running
    finally:
        process.kill()
        process.wait()


def _started(binary: str | None, flags: list[str], log: Path) -> subprocess.Popen | Program:
    """The process of a server that writes to `log`. The stand-in is forked: it need not import TensorFlow."""
    if binary is None:
        return Program("main", before=f"from support import model_server; model_server.main({flags!r}, {str(log)!r})")
    with log.open("wb") as file:
        return subprocess.Popen([binary, *flags], stdout=file, stderr=subprocess.STDOUT)


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens at; all are held open at once, so that they differ."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    main()
