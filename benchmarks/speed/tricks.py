"""Times one training step without each of the faster operations that it is made of, one at a time.

A variant is the whole step of `dcgan_tf` with one trick turned off from here: what TensorFlow or Keras would do is put
in its place while the step is traced. As in `benchmarks.speed.step`, every variant has a process of its own, and they take
turns. A trick saves what the step takes longer without it in the same round; its percentage is of the step without it.
Savings do not add up: a step without two tricks may lose more than both, or less.

A trick is "not used" by a preset where the traced graph has the same operations without it, and where TensorFlow would
take oneDNN by itself.
"""

import collections
import contextlib
import math
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Literal
from unittest.mock import patch

import tyro

from benchmarks.common import finish, machine, spread, spread_text
from benchmarks.speed import variants
from benchmarks.speed.step import TURN_SECONDS, precision_of_auto, set_up, take_turns
from dcgan_tf.config.presets import PRESETS, get_preset

ALL_ON = "everything on"


@dataclass(frozen=True)
class Config:
    presets: tuple[Literal[*PRESETS], ...] = ("paints200", "faces64", "mnist")
    rounds: int = 3
    steps: int | None = None
    """Of a turn. Default: so many that they take about a second."""
    batch_size: int | None = None
    """Default: the preset's."""
    json: str | None = None
    """The file for the results."""


# Each of these gives what turns a trick off while it is entered; where what it replaces is not there, it raises. All
# import TensorFlow late: the process that only asks others to measure does without.


def batch_norm_of_keras():
    from dcgan_tf.gan.fast import forward

    return patch.dict(forward._RUNNERS, {forward.layers.BatchNormalization: forward._run_as_keras})


def dropout_from_floats():
    from dcgan_tf.common.backend import tf
    from dcgan_tf.gan.fast import ops

    fast = ops.leaky_relu

    def leaky_relu(x, slope, rate=0.0, seed=None):
        y = fast(x, slope)
        return tf.where(tf.random.stateless_uniform(tf.shape(y), seed) >= rate, y, tf.zeros([], y.dtype)) if rate else y

    return patch.object(ops, "leaky_relu", leaky_relu)


def leaky_relu_not_compiled():
    from dcgan_tf.gan.fast import ops

    without = contextlib.ExitStack()
    without.enter_context(patch.object(ops, "_LEAKY_COMPILED", ops._LEAKY))
    without.enter_context(dropout_from_floats())  # hashes are for a compiled loop only
    return without


def a_backward_pass_for_each_loss():
    from dcgan_tf.gan.step import GAN

    make = GAN.__init__

    def make_without(self, *arguments, **options):
        make(self, *arguments, **options)
        self._one_backward = False

    return patch.object(GAN, "__init__", make_without)


def a_pass_for_real_and_for_generated():
    from dcgan_tf.gan.views import Critic

    def both(self, real, fakes, draws, step):
        return self(real, next(draws), step), self(fakes, next(draws), step)

    return patch.object(Critic, "both", both)


def adam_of_keras():
    from dcgan_tf.gan import optimizer

    def apply(adam, gradients, model):
        adam.apply(gradients, model.trainable_variables)

    return patch.object(optimizer, "apply", apply)


def no_matrix_products():
    from dcgan_tf.gan.fast.convolution import Convolution

    def by_products(self, dtype, most_positions):
        return False

    return patch.object(Convolution, "_by_products", by_products)


def few_channels_as_they_are():
    from dcgan_tf.common.backend import tf
    from dcgan_tf.gan.fast.convolution import Convolution

    fast = Convolution.input_gradient

    def input_gradient(self, features, kernel):
        if self._is_dense or self.images[-1] > 4:
            return fast(self, features, kernel)
        shape = [tf.shape(features)[0], *self.images]
        return tf.nn.conv2d_transpose(features, kernel, shape, self.strides, self.padding.upper())

    return patch.object(Convolution, "input_gradient", input_gradient)


def dense_in_the_precision_of_all():
    from dcgan_tf.common.backend import tf
    from dcgan_tf.gan.fast import forward

    def run_dense(layer, keys):
        def run(x, scale, draw):
            y = tf.matmul(x, forward._kernel(layer, scale, x.dtype))
            return layer.activation(forward._with_bias(y, layer)), 1.0

        return layer, run

    return patch.dict(forward._RUNNERS, {forward.layers.Dense: run_dense})


def onednn_where_tensorflow_takes_it():
    # Read when TensorFlow is imported, which nothing has done yet where a worker enters this.
    takes_it = "avx512_vnni" in machine()["flags"]
    return patch.dict(os.environ, TF_ENABLE_ONEDNN_OPTS="1" if takes_it else "0")


def float32():
    return patch.object(variants, "settled", lambda asked: "float32")


TRICKS: dict[str, Callable[[], AbstractContextManager]] = {
    "oneDNN on processors without AVX-512 VNNI": onednn_where_tensorflow_takes_it,
    "bfloat16": float32,  # and with it the matrix products, which are for 16 bits only
    "fused batch normalization": batch_norm_of_keras,
    "leaky ReLU and dropout in one compiled loop": leaky_relu_not_compiled,
    "dropout by hashes": dropout_from_floats,
    "one pass of the discriminator over real and generated images": a_pass_for_real_and_for_generated,
    "one backward pass for both losses": a_backward_pass_for_each_loss,
    "matrix products for convolutions of small images": no_matrix_products,
    "few channels in blocks": few_channels_as_they_are,
    "dense layers of few inputs in float32": dense_in_the_precision_of_all,
    "fused Adam": adam_of_keras,
}


def train_without(trick: str, preset, precision: str):
    """(what the step is made of, step) without a trick, or with ALL_ON: what a worker makes."""
    with TRICKS[trick]() if trick != ALL_ON else contextlib.nullcontext():
        gan, _ = variants.build_gan(preset, precision)
        graph = gan.train_step.get_concrete_function().graph.as_graph_def()
        onednn = os.environ.get("TF_ENABLE_ONEDNN_OPTS")
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    operations = collections.Counter((node.op, node.attr["T"].type) for node in nodes)
    return (onednn, operations), variants.step_of(gan)


def main(config: Config) -> None:
    rows, results, precision = [], {}, precision_of_auto()
    for name in config.presets:
        preset = get_preset(name)
        if config.batch_size:
            preset = replace(preset, batch_size=config.batch_size)
        results[name] = measure(preset, precision, config)
        rows += table_rows(name, results[name])
    finish({"benchmark": "tricks", "presets": results}, config.json, rows)


def measure(preset, precision: str, config: Config) -> dict:
    """Everything about one preset: seconds per step of every variant and round, which tricks it does not use."""
    with contextlib.ExitStack() as running:
        print(f"{preset.name}: setting up", file=sys.stderr, flush=True)
        asked = {name: (train_without, name, preset, precision) for name in (ALL_ON, *TRICKS)}
        workers, made_of, left_out = set_up(asked, running)
        not_used = [name for name in TRICKS if name in made_of and made_of[name] == made_of[ALL_ON]]
        for name in not_used:
            workers.pop(name).close()
        counts = {name: config.steps or math.ceil(TURN_SECONDS / worker.time(1)) for name, worker in workers.items()}
        seconds, busy = take_turns(workers, counts, config.rounds)
    return {
        "batch_size": preset.batch_size,
        "precision": precision,
        "steps_per_turn": counts,
        "seconds": seconds,
        "not_used": not_used,
        "busy_while_waiting": busy,
        "left_out": left_out,
    }


def table_rows(preset: str, result: dict):
    """A line for the whole step, and for every trick."""
    seconds, empty = result["seconds"], {"ms a step": "", "saves, ms": "", "saves, %": ""}
    whole = seconds[ALL_ON]
    yield {"preset": preset, "without": f"({ALL_ON}, {result['precision']})"} | empty | {"ms a step": _ms(whole)}
    for name in TRICKS:
        row = {"preset": preset, "without": name} | empty
        if turns := seconds.get(name):
            pairs = list(zip(turns, whole, strict=True))
            row["ms a step"] = _ms(turns)
            row["saves, ms"] = _ms([without - on for without, on in pairs])
            row["saves, %"] = spread_text(spread([1 - on / without for without, on in pairs]), 100, 1)
        else:
            row["ms a step"] = "not used" if name in result["not_used"] else "failed"
        yield row


def _ms(seconds) -> str:
    return spread_text(spread(seconds), 1000, 1)


if __name__ == "__main__":
    main(tyro.cli(Config, description=__doc__))
