"""Gives nets random weights, records what their Keras makes of random inputs, and saves them."""

from pathlib import Path

import numpy as np

BATCH = 4
LABEL_SHAPE = (1,)
ONE_HOT_SHAPE = (3,)


def _draw(rng, weights):
    """Kernels of either sign, all else (biases, statistics) far from 0 and 1: a swap of two shows."""
    if weights.ndim == 1:
        return rng.uniform(0.2, 0.8, weights.shape)
    # Kernels of many inputs are smaller, so that no tanh is saturated: there, wrong weights would hardly show.
    return rng.normal(0, min(0.4, 1.5 / np.sqrt(np.prod(weights.shape[:-1]))), weights.shape)


def draw_weights(net, seed):
    """Puts random weights into the net: the same ones in every Keras whose weights have the same order."""
    rng = np.random.RandomState(seed)
    net.set_weights([_draw(rng, weights) for weights in net.get_weights()])


def _shapes(net):
    shapes = net.input_shape
    return shapes if isinstance(shapes, list) else [shapes]


def _batch(rng, shape):
    """Labels, one-hot labels, images in -1...1 or latents, as the shape of one input says."""
    if shape == LABEL_SHAPE:
        return (np.arange(BATCH, dtype="int32") % ONE_HOT_SHAPE[0])[:, None]
    if shape == ONE_HOT_SHAPE:
        return np.eye(*ONE_HOT_SHAPE, dtype="float32")[np.arange(BATCH) % ONE_HOT_SHAPE[0]]
    if len(shape) == 3:
        return rng.uniform(-1, 1, (BATCH,) + shape).astype("float32")
    return rng.normal(size=(BATCH,) + shape).astype("float32")


def inputs_of(net, seed):
    """A batch for every input of the net."""
    rng = np.random.RandomState(seed + 1)
    return [_batch(rng, tuple(shape[1:])) for shape in _shapes(net)]


def predict(net, inputs):
    """What the net gives in inference, as float32."""
    return np.asarray(net.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0), "float32")


def _train_a_step(net, seed):
    """One update of a compiled net, so that its file holds an optimizer with values of its own."""
    inputs = inputs_of(net, seed)
    outputs = predict(net, inputs)
    net.train_on_batch(inputs if len(inputs) > 1 else inputs[0], np.zeros_like(outputs))


class Recorder:
    """Saves nets in the working directory as <env>_<name><ending>, and their inputs and outputs as <env>_expected.npz."""

    def __init__(self, env):
        self.env = env
        self.expected = {}
        self.seed = 1

    def path(self, name, ending):
        return f"{self.env}_{name}{ending}"

    def add(self, name, net, endings=(".h5",), run=predict, generator=None, step=False):
        """Draws the net's weights, records inputs and outputs, and saves it once per ending.

        `run(net, inputs)` gives the outputs; `generator` is a part of the net whose outputs are recorded as
        <name>_g; with `step`, the compiled net is trained for a step before its weights are drawn.
        """
        if step:
            _train_a_step(net, self.seed)
        draw_weights(net, self.seed)
        self.record(name, net, run)
        if generator is not None:
            self.expected[name + "_g"] = predict(generator, inputs_of(net, self.seed))
        for ending in endings:
            net.save(self.path(name, ending))
        self.seed += 1

    def record(self, name, net, run=predict):
        """Records inputs and outputs of a net as it is."""
        inputs = inputs_of(net, self.seed)
        for i, x in enumerate(inputs):
            self.expected[f"{name}_x{i}"] = x
        y = self.expected[name + "_y"] = run(net, inputs)
        print(f"{name:40} y {y.shape} {y.min():.3f} ... {y.max():.3f}, std {y.std():.3f}")

    def add_weights_alone(self, name, net, endings=("_weights.h5",)):
        """Saves a net that was added: its weights in one file per ending, and its layers as JSON."""
        for ending in endings:
            net.save_weights(self.path(name, ending))
        Path(self.path(name, ".json")).write_text(net.to_json())

    def write(self):
        """Writes the inputs and outputs of all nets."""
        np.savez_compressed(self.path("expected", ".npz"), **self.expected)


def reload_and_compare(recorder, load_model, paths):
    """Loads each file with the Keras that wrote it, and prints how far its outputs are from the recorded ones."""
    for path in paths:
        name = Path(path).name[len(recorder.env) + 1 :].split(".")[0]
        expected = recorder.expected[name + "_y"]
        inputs = [recorder.expected[key] for key in sorted(recorder.expected) if key.startswith(name + "_x")]
        try:
            difference = abs(predict(load_model(path), inputs) - expected).max()
            print(f"{Path(path).name:60} differs by {difference:.1e}")
        except Exception as error:
            print(f"{Path(path).name:60} cannot be loaded: {str(error).splitlines()[0][:150]}")
