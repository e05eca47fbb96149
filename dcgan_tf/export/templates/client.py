"""Fetches pictures from the model server by REST, with nothing but Python; a seed is always the same picture.

python client.py SEED... [--labels CLASS...] [--host localhost] [--port 8501]    writes seed0001.png and so on

The classes of a generator that draws some take turns; without --labels, all of them. A class is given by its number or,
where the classes have names, by its name.
"""

import argparse
import base64
import http.client
import json
import urllib.error
import urllib.request

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
    inputs = {"seeds": seeds}
    if labels:
        inputs["labels"] = [labels[(seed - 1) % len(labels)] for seed in seeds]
    body = json.dumps({"signature_name": "generate_png", "inputs": inputs}).encode()
    with urllib.request.urlopen(f"http://{host}:{port}/v1/models/{MODEL}:predict", body, timeout=60) as answer:
        return [base64.b64decode(picture["b64"]) for picture in json.load(answer)["outputs"]]


parser = argparse.ArgumentParser(description="Fetches one picture for each seed.")
parser.add_argument("--host", default="localhost")
parser.add_argument("--port", type=int, default=8501)
parser.add_argument("seeds", type=int, nargs="+", metavar="SEED")
parser.add_argument("--labels", nargs="+", metavar="CLASS", default=[])
options = parser.parse_args()
try:
    labels = numbers_of(options.labels)
except LookupError as error:
    parser.exit(2, f"error: {error.args[0]}\n")
try:
    pictures = fetch(options.host, options.port, options.seeds, labels)
except urllib.error.HTTPError as error:  # the server's own words are in the body
    parser.exit(1, f"error: {error.url}: {error.code}: {' '.join(error.read().decode(errors='replace').split())}\n")
except (OSError, http.client.HTTPException, ValueError, LookupError) as error:
    parser.exit(1, f"error: no model server at {options.host}:{options.port}: {error}\n")
for seed, picture in zip(options.seeds, pictures):
    with open(name := f"seed{seed:04}.png", "wb") as file:
        file.write(picture)
    print(name)
