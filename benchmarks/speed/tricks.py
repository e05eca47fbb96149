"""Times one training step without each of the faster operations that it is made of, one at a time.

A variant is the whole step of `dcgan_tf` with one operation of its arithmetic replaced by what TensorFlow or Keras would
do. As in `benchmarks.speed.step`, every variant has a process of its own, and they take
turns. A trick saves what the step takes longer without it in the same round; its percentage is of the step without it.
Savings do not add up: a step without two tricks may lose more than both, or less.

A trick is "not used" by a preset where the traced graph has the same operations without it, and where TensorFlow would
take oneDNN by itself.
"""

import collections
import contextlib
import functools
import math
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal
from unittest.mock import patch

from benchmarks.common import asked, finish, machine, spread, spread_text
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


@dataclass(frozen=True)
class Without:
    """How the step is built without a trick.

    arithmetic   what a step is made of then; None: that of training
    precision    None: the one that is asked for
    environment  variables that TensorFlow reads when it is imported
    """

    arithmetic: object = None
    precision: str | None = None
    environment: dict[str, str] = field(default_factory=dict)


# Each of these returns a Without. They import TensorFlow late, because the process that starts the workers needs none.


def _forward(**operations):
    """Other operations in the forward pass, see `forward.make_runners`."""
    from dcgan_tf.gan.fast import forward

    return _forward_by(forward.make_runners(**operations))


def _forward_by(runners):
    from dcgan_tf.gan.arithmetic import FAST
    from dcgan_tf.gan.fast.forward import TrainingForward

    return Without(replace(FAST, forward=functools.partial(TrainingForward, runners=runners)))


def batch_norm_of_keras():
    from dcgan_tf.common.backend import keras
    from dcgan_tf.gan.fast import forward

    return _forward_by(forward.RUNNERS | {keras.layers.BatchNormalization: forward.run_as_keras})


def dropout_from_floats():
    return _forward(leaky_relu=_leaky_relu_and_floats)


def leaky_relu_not_compiled():
    return _forward(leaky_relu=functools.partial(_leaky_relu_and_floats, may_compile=False))


def _leaky_relu_and_floats(x, slope, rate=0.0, seed=None, may_compile=True):
    """The leaky ReLU of `fast.ops`, with dropout by random floats: hashes are fast in a compiled loop only."""
    from dcgan_tf.common.backend import tf
    from dcgan_tf.gan.fast import ops

    y = ops.leaky_relu(x, slope, may_compile=may_compile)
    return tf.where(tf.random.stateless_uniform(tf.shape(y), seed) >= rate, y, tf.zeros([], y.dtype)) if rate else y


def a_backward_pass_for_each_loss():
    from dcgan_tf.gan.arithmetic import FAST, PLAIN

    return Without(replace(FAST, backward=PLAIN.backward))


def a_pass_for_real_and_for_generated():
    from dcgan_tf.gan.arithmetic import FAST

    return Without(replace(FAST, max_one_pass_values=0))


def adam_of_keras():
    from dcgan_tf.gan.arithmetic import FAST, PLAIN

    return Without(replace(FAST, apply=PLAIN.apply))


def no_matrix_products():
    from dcgan_tf.gan.fast.convolution import Convolution

    return _forward(geometry=functools.partial(Convolution, may_use_products=False))


def few_channels_as_they_are():
    from dcgan_tf.gan.fast.convolution import Convolution

    return _forward(geometry=functools.partial(Convolution, may_use_blocks=False))


def dense_in_the_precision_of_all():
    from dcgan_tf.common.backend import tf
    from dcgan_tf.gan.fast import ops

    return _forward(dense=lambda x, kernel, scale: tf.matmul(x, ops.scaled(kernel, scale, x.dtype)))


def onednn_where_tensorflow_takes_it():
    takes_it = "avx512_vnni" in machine()["flags"]
    return Without(environment={"TF_ENABLE_ONEDNN_OPTS": "1" if takes_it else "0"})


def float32():
    return Without(precision="float32")


TRICKS: dict[str, Callable[[], Without]] = {
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
    without = TRICKS[trick]() if trick != ALL_ON else Without()
    with patch.dict(os.environ, without.environment):
        options = {"arithmetic": without.arithmetic} if without.arithmetic else {}
        gan, _ = variants.build_gan(preset, without.precision or precision, **options)
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
    main(asked(Config, __doc__))
