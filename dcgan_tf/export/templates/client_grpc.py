"""Fetches pictures from the model server by gRPC, with tensorflow-serving-api; a seed is always the same picture.

python client_grpc.py SEED... [--labels CLASS...] [--host localhost] [--port 8500]    writes seed0001.png and so on

The classes of a generator that draws some take turns; without --labels, all of them. A class is given by its number or,
where the classes have names, by its name.
"""

import argparse
import json

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

MODEL = "$model_name"
CLASSES = int("$classes")  # how many the generator draws; 0: it takes no labels
# The names of the classes 0, 1, ..., where they have names.
NAMES = json.loads(r"""$label_names""")


def numbers_of(labels):
    """The numbers of classes that are given by their names or numbers. LookupError: there is no such class."""
    known = {str(number): number for number in range(CLASSES)} | {name: number for number, name in enumerate(NAMES)}
    for label in labels:
        if label not in known:
            wanted = f"give a number from 0 to {CLASSES - 1}" if CLASSES else "it draws no classes: leave this out"
            names = ", or one of " + ", ".join(NAMES[:20]) if NAMES else ""
            raise LookupError(f"--labels {label}: {wanted}{names}" + (", ..." if NAMES[20:] else ""))
    return [known[label] for label in labels]


def fetch(host, port, seeds, labels=None):
    """PNG files (bytes), one for each seed. labels: the numbers of the classes to draw in turn; None for all."""
    labels = labels or list(range(CLASSES))
    request = predict_pb2.PredictRequest(model_spec={"name": MODEL, "signature_name": "generate_png"})
    request.inputs["seeds"].CopyFrom(tf.make_tensor_proto(np.array(seeds, np.int32)))
    if labels:
        of_seeds = [labels[(seed - 1) % len(labels)] for seed in seeds]
        request.inputs["labels"].CopyFrom(tf.make_tensor_proto(np.array(of_seeds, np.int32)))
    with grpc.insecure_channel(f"{host}:{port}", [("grpc.max_receive_message_length", -1)]) as channel:  # not 4 MiB
        answer = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=60)
    return answer.outputs["image_bytes"].string_val


parser = argparse.ArgumentParser(description="Fetches one picture for each seed.")
parser.add_argument("--host", default="localhost")
parser.add_argument("--port", type=int, default=8500)
parser.add_argument("seeds", type=int, nargs="+", metavar="SEED")
parser.add_argument("--labels", nargs="+", metavar="CLASS", default=[])
options = parser.parse_args()
try:
    labels = numbers_of(options.labels)
except LookupError as error:
    parser.exit(2, f"error: {error.args[0]}\n")
try:
    pictures = fetch(options.host, options.port, options.seeds, labels)
except grpc.RpcError as error:
    parser.exit(1, f"error: {options.host}:{options.port}: {error.code().name}: {' '.join(error.details().split())}\n")
except OverflowError as error:  # a seed that is no int32
    parser.exit(1, f"error: {error}\n")
for seed, picture in zip(options.seeds, pictures):
    with open(name := f"seed{seed:04}.png", "wb") as file:
        file.write(picture)
    print(name)
