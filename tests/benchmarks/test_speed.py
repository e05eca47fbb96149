import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import turns
from support.programs import FORKS

from benchmarks import common
from benchmarks.speed import allreduce, flops, pipeline, scaling, startup, step, tricks, variants, workers
from dcgan_tf import cli
from dcgan_tf.config.checks import check
from dcgan_tf.config.fitting import preset_for  # noqa: E402
from dcgan_tf.config.parser import parse
from dcgan_tf.config.presets import PRESETS, Layer, Preset  # noqa: E402
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.data.sources import open_source
from dcgan_tf.nets.build import build_discriminator, build_generator  # noqa: E402

FITTED = [preset_for(shape) for shape in ((200, 120, 3), (57, 101, 1), (9, 4, 1))]


@pytest.mark.parametrize("preset", [*PRESETS.values(), *FITTED], ids=lambda preset: preset.name)
def test_shapes_are_those_of_the_nets(preset):
    for build, rows, takes in (
        (build_generator, preset.generator, (preset.latent_dim,)),
        (build_discriminator, preset.discriminator, preset.image_shape),
    ):
        *_, (_, _, gives) = flops.shapes(rows, takes)
        assert gives == build(preset).output_shape[1:]
        sizes = [math.prod(row.kernel) for row in rows if row.kind in ("conv", "deconv")]
        assert len(flops.forward(rows, takes)) == len(sizes) + sum(row.kind == "dense" for row in rows)


def test_operations_of_paints200_by_hand():
    # Multiplications of one image, in thousands.
    dense, up1, up2, up3 = (
        100 * 160,
        625 * 25 * 256 * 128 // 1000,
        2500 * 25 * 128 * 64 // 1000,
        10000 * 25 * 64 * 3 // 1000,
    )
    down1, down2, down3, head = (
        10000 * 25 * 3 * 64 // 1000,
        2500 * 25 * 64 * 128 // 1000,
        625 * 25 * 128 * 64 // 1000,
        40,
    )
    assert (dense, up1, up2, up3) == (16_000, 512_000, 512_000, 48_000)
    assert (down1, down2, down3, head) == (48_000, 512_000, 128_000, 40)
    generator, discriminator = dense + up1 + up2 + up3, down1 + down2 + down3 + head
    once = generator + 2 * discriminator  # fakes, logits of both halves
    weights = once
    inputs = (generator - dense) + (discriminator - down1) + discriminator  # down to the dense layer; real; generated
    assert flops.step(PRESETS["paints200"]) == 16 * 2 * 1000 * (once + weights + inputs)
    assert flops.step(PRESETS["paints200"]) == 234_503_680_000


def copy_weights(net, keras_net):
    """Gives a PyTorch net of `benchmarks.speed.torch_nets` the weights of the Keras net of the same rows, mirrored."""
    import torch

    modules = iter([module for module in net if module.state_dict()])
    for position, layer in enumerate(keras_net.layers):
        if not layer.weights:
            continue
        kind, module = type(layer).__name__, next(modules)
        arrays = [np.asarray(weight) for weight in layer.weights]
        if kind == "Dense":
            arrays[0] = arrays[0].T
            before = keras_net.layers[position - 1]
            if position and type(before).__name__ == "Flatten":
                arrays[0] = by_channel(arrays[0].T, before.input.shape[1:]).T
        elif kind != "BatchNormalization":
            arrays[0] = arrays[0][::-1, ::-1].transpose(3, 2, 0, 1)  # also of a transposed convolution
        if kind in ("Dense", "BatchNormalization") and (shape := reshaped_to(keras_net.layers[position:])):
            arrays = [by_channel(array, shape) for array in arrays]
        names = ["weight", "bias", "running_mean", "running_var"][: len(arrays)]
        module.load_state_dict(
            {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in zip(names, arrays)}, strict=False
        )


def reshaped_to(layers):
    """The shape (H, W, C) that the outputs of layers[0] get before another layer mixes them, or None."""
    for layer in layers[1:]:
        if type(layer).__name__ == "Reshape":
            return layer.target_shape
        if type(layer).__name__ == "Dense" or "Conv" in type(layer).__name__:
            return None
    return None


def by_channel(array, shape):
    """Features of images [H, W, C] along the first axis, mirrored and in the order [C, H, W]."""
    return array.reshape(*shape, -1)[::-1, ::-1].transpose(2, 0, 1, 3).reshape(array.shape)


# Each preset at its own size; fitted to odd, even and unlike sides; kernels of 5 with a stride of 2 on odd sides too.
EQUAL = [
    *PRESETS.values(),
    *(preset_for((57, 24, 3), family) for family in PRESETS),
    *(preset_for((side, side, 3), "paints200") for side in (50, 51, 52, 53)),
]


@pytest.mark.parametrize("preset", EQUAL, ids=lambda preset: preset.name)
def test_the_nets_in_pytorch_are_the_same_functions(preset):
    torch = pytest.importorskip("torch")
    from benchmarks.speed import torch_nets

    random = np.random.default_rng(0)
    keras_g, keras_d = build_generator(preset), build_discriminator(preset)
    for net in (keras_g, keras_d):  # statistics and biases that show when they are in the wrong place
        net.set_weights([w if w.ndim > 1 else w + random.uniform(0.1, 0.5, w.shape) for w in net.get_weights()])
    torch_g, torch_d = torch_nets.build_generator(preset).eval(), torch_nets.build_discriminator(preset).eval()
    copy_weights(torch_g, keras_g)
    copy_weights(torch_d, keras_d)
    latents = random.normal(size=[2, preset.latent_dim]).astype("float32")
    images = random.uniform(-1, 1, [2, *preset.image_shape]).astype("float32")
    with torch.no_grad():
        fakes = torch_g(torch.from_numpy(latents)).numpy()
        logits = torch_d(torch.from_numpy(images[:, ::-1, ::-1].transpose(0, 3, 1, 2).copy())).numpy()
    mirrored = fakes.transpose(0, 2, 3, 1)[:, ::-1, ::-1]
    np.testing.assert_allclose(mirrored, keras_g(latents, training=False), rtol=0, atol=1e-4)
    np.testing.assert_allclose(logits, keras_d(images, training=False), rtol=1e-4, atol=1e-4)


def test_operations_of_an_alternating_update_by_hand():
    # Multiplications of one image: the generator's layers 3 * 4 = 12 and 4 * 4 = 16, the discriminator's 4 * 2 = 8 and
    # 2 * 1 = 2.
    preset = replace(
        PRESETS["mnist-mlp"],
        latent_dim=3,
        image_shape=(2, 2, 1),
        generator=(Layer("dense", 4, then="relu"), Layer("dense", 4, then="tanh"), Layer("reshape", shape=(2, 2, 1))),
        discriminator=(Layer("flatten"), Layer("dense", 2, then="relu"), Layer("dense", 1)),
        batch_size=5,
    )
    generator, discriminator = 28, 10
    d_update = 2 * (discriminator + discriminator + 2)  # real and generated: forwards, weights, inputs but the images
    g_update = discriminator + discriminator + generator + 16  # D forwards, inputs; G's weights, inputs but the latents
    fresh = d_update + g_update + 2 * generator
    assert flops.step(preset) == 5 * 2 * fresh
    for seen in ("fakes", "latents"):
        assert flops.step(replace(preset, generator_step=seen)) == 5 * 2 * (fresh - generator)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_weights_are_those_that_are_trained(preset):
    for build, rows, takes in (
        (build_generator, preset.generator, (preset.latent_dim,)),
        (build_discriminator, preset.discriminator, preset.image_shape),
    ):
        trained = sum(math.prod(weight.shape) for weight in build(preset).trainable_variables)
        assert flops.weights(rows, takes) == trained


def test_a_pooling_convolution_is_counted_before_its_pooling():
    rows = (Layer("conv", 2, (3, 3), (2, 2), padding="valid", pool=True),)  # 6x6 -> 4x4 -> 2x2
    [(_, _, gives)] = flops.shapes(rows, (6, 6, 5))
    assert gives == (2, 2, 2)
    assert flops.forward(rows, (6, 6, 5)) == [2 * 4 * 4 * 3 * 3 * 5 * 2]


def test_table_and_spread():
    assert common.spread_text(common.spread([3.0, 1.0, 2.0])) == "2.00 (1.00..3.00)"
    assert common.table([{"a": "1", "long": "2"}]).splitlines() == ["| a | long |", "| - | ---- |", "| 1 | 2    |"]


def test_expected_efficiency_by_hand():
    # 8 workers, nets of 100 MB and 25 MB at 8 Gbit/s = 1 GB/s: 2 * 7 / 8 * 0.125 s = 0.21875 s, and 2 * 14 turns of 1 ms.
    talk = 0.21875 + 0.028
    assert scaling.efficiency(0.5, [100_000_000, 25_000_000], 8, 8, 0.001) == pytest.approx(0.5 / (0.5 + talk))


def test_workers_take_turns():
    running = [workers.Worker(turns.count, 5), workers.Worker(turns.fail, "no such net"), workers.Worker(turns.die)]
    try:
        assert running[0].ready() != os.getpid()
        assert running[0].time(3) > 0
        with pytest.raises(workers.Failed, match="ValueError: no such net"):
            running[1].ready()
        with pytest.raises(workers.Failed, match="exit code 3"):
            running[2].ready()
    finally:
        for worker in running:
            worker.close()


class HereAndNow(workers.Worker):
    """A worker without a process of its own: TensorFlow is imported already."""

    def __init__(self, make, *arguments):
        self._made = make, arguments

    def ready(self):
        make, arguments = self._made
        fact, self._step = make(*arguments)
        return fact

    def time(self, steps):
        return workers._time(self._step, steps)

    def busy_seconds(self):
        return 0.0

    def close(self):
        pass


@pytest.fixture
def here_and_now(monkeypatch):
    """Runs in this process what has one of its own in a benchmark, and puts back what it changes."""
    import keras

    import dcgan_tf.common.backend
    from dcgan_tf.training import start, trainer

    for module in (step, scaling):
        monkeypatch.setattr(module, "Worker", HereAndNow)
    monkeypatch.setattr(pipeline, "in_a_process", lambda function, *arguments: function(*arguments))
    for module in (pipeline, scaling):
        monkeypatch.setattr(module.subprocess, "run", lambda command, **_: cli.main(command[3:]))
    monkeypatch.setitem(sys.modules, "dcgan_tf.common.backend", dcgan_tf.common.backend)
    for module, name in ((start, "GAN"), (trainer, "batches")):
        monkeypatch.setattr(module, name, getattr(module, name))
    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)


def results(path):
    found = json.loads(path.read_text())
    assert {"processor", "cores", "flags", "memory", "system", "versions", "when"} == set(found["machine"])
    return found


def test_step(tmp_path, capsys, here_and_now):
    preset, names, path = "mnist-mlp", ("ours", "keras bfloat16"), tmp_path / "deep" / "step.json"
    step.main(step.Config((preset,), names, rounds=2, steps=1, batch_size=2, peak_side=16, json=str(path)))
    found = results(path)["presets"][preset]
    assert found["operations"] == flops.step(PRESETS[preset], 2)
    assert {name: len(turns) for name, turns in found["seconds"].items()} == dict.fromkeys(names, 2)
    assert {name: len(rates) for name, rates in found["peak"].items()} == {"float32": 2, "bfloat16": 2}
    assert found["precision"]["keras bfloat16"] == "bfloat16" and not found["left_out"]
    rows = capsys.readouterr().out.splitlines()[-len(names) :]
    assert [line.split("|")[2].strip() for line in rows][1:] == list(names[1:])


@pytest.mark.parametrize("name", [name for name in variants.VARIANTS if "torch" in name and "compiled" not in name])
@pytest.mark.parametrize("update", ["joint", "alternating"])
def test_pytorch_trains(name, update):
    pytest.importorskip("torch")
    preset = replace(PRESETS["mnist-mlp"], batch_size=4, update=update)
    precision, update = variants.train(name, preset)
    assert precision in name
    losses = [[float(loss) for loss in update()] for _ in range(30)]
    assert losses[-1][0] < losses[0][0]  # one constant batch is soon told from noise


def test_step_says_what_it_leaves_out(tmp_path, capsys, here_and_now, monkeypatch):
    monkeypatch.setattr(step.importlib.util, "find_spec", lambda name: None)
    path = tmp_path / "step.json"
    names = ("ours float32", "torch float32")
    step.main(step.Config(("mnist-mlp",), names, rounds=1, steps=1, batch_size=2, peak_side=16, json=str(path)))
    assert results(path)["presets"]["mnist-mlp"]["left_out"] == {"torch float32": "PyTorch is not installed"}
    assert "torch float32 is left out: PyTorch is not installed" in capsys.readouterr().err


def test_the_usual_variants_are_there():
    usual = {name: {*step.usual(name, "bfloat16")} for name in PRESETS}
    assert set().union(*usual.values()) <= set(variants.VARIANTS) and set(step.MORE) <= set(PRESETS)


def test_bfloat16_is_not_measured_where_it_is_emulated(tmp_path, here_and_now, monkeypatch):
    from dcgan_tf.training.machine import tuning

    monkeypatch.setattr(tuning, "fastest_precision", lambda *_: tuning.Precision("float32"))
    monkeypatch.setattr(step.importlib.util, "find_spec", lambda name: None)
    path = tmp_path / "step.json"
    step.main(step.Config(("mnist-mlp",), rounds=1, steps=1, batch_size=2, peak_side=16, json=str(path)))
    found = results(path)["presets"]["mnist-mlp"]
    assert list(found["seconds"]) == ["ours float32", "keras float32"] and list(found["peak"]) == ["float32"]
    assert step.usual("paints200", "float32")[2:] == ("torch float32 channels-last", "torch float32")


# A net small enough for a test that uses every trick there is.
TRICKY = Preset(
    name="tricky",
    about="",
    image_shape=(32, 32, 3),
    latent_dim=8,
    generator=(Layer("dense", 16 * 16 * 2, then="bn relu"), Layer("reshape", shape=(16, 16, 2)),
               Layer("deconv", 3, (4, 4), (2, 2), then="tanh")),
    discriminator=(Layer("conv", 64, (4, 4), (2, 2), then="leaky:0.2 dropout:0.3"),
                   Layer("conv", 6, (4, 4), (4, 4), then="leaky:0.2"), Layer("flatten"), Layer("dense", 1)),
    update="joint",
)  # fmt: skip
# And one for a test of which tricks a net does not use: without convolutions, and updated in turns.
PLAIN = replace(
    PRESETS["mnist-mlp"],
    image_shape=(4, 4, 1),
    generator=(Layer("dense", 16, then="tanh"), Layer("reshape", shape=(4, 4, 1))),
    discriminator=(Layer("flatten"), Layer("dense", 1)),
)
PLAIN_USES, PLAIN_LEAVES = {"bfloat16", "fused Adam"}, {"few channels in blocks"}


def test_tricks(tmp_path, capsys, here_and_now, monkeypatch):
    from dcgan_tf.training.machine import tuning

    # Whatever this machine would settle on. Asked a second time, it would be float32: variants that start together would
    # disturb each other's measurement.
    settled = ["float32", "bfloat16"]
    monkeypatch.setattr(tuning, "fastest_precision", lambda *_: tuning.Precision(settled.pop()))
    monkeypatch.setattr(tricks, "machine", lambda: {"flags": ["avx2"]})
    monkeypatch.setattr(tricks, "get_preset", {"paints200": TRICKY, "mnist-mlp": PLAIN}.get)

    def measured(preset):
        path = tmp_path / f"{preset}.json"
        tricks.main(tricks.Config((preset,), rounds=2, steps=1, batch_size=2, json=str(path)))
        lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith(f"| {preset}")]
        assert len(lines) == 1 + len(tricks.TRICKS)
        return results(path)["presets"][preset], sum("not used" in line for line in lines)

    tricky, unused = measured("paints200")
    assert (tricky["precision"], settled) == ("bfloat16", ["float32"])
    # Each trick that is turned off leaves another graph.
    assert not tricky["not_used"] and not tricky["left_out"] and unused == 0
    assert {name: len(turns) for name, turns in tricky["seconds"].items()} == dict.fromkeys(
        [tricks.ALL_ON, *tricks.TRICKS], 2
    )
    settled[:] = ["bfloat16"]
    few = {name: off for name, off in tricks.TRICKS.items() if name in PLAIN_USES | PLAIN_LEAVES}
    monkeypatch.setattr(tricks, "TRICKS", few)
    plain, unused = measured("mnist-mlp")
    assert set(plain["not_used"]) == PLAIN_LEAVES and unused == 1
    assert set(plain["seconds"]) == {tricks.ALL_ON, *PLAIN_USES}


def test_what_a_trick_saves_by_hand():
    seconds = {tricks.ALL_ON: [0.2, 0.4], "fused Adam": [0.4, 0.5]}
    result = {"precision": "float32", "seconds": seconds, "not_used": ["bfloat16"]}
    whole, *rows = tricks.table_rows("mnist", result)
    assert whole["ms a step"] == "300.0 (200.0..400.0)"
    rows = {row["without"]: row for row in rows}
    assert rows["fused Adam"]["saves, ms"] == "150.0 (100.0..200.0)"
    assert rows["fused Adam"]["saves, %"] == "35.0 (20.0..50.0)"
    assert rows["bfloat16"]["ms a step"] == "not used" and rows["few channels in blocks"]["ms a step"] == "failed"


def test_tricks_are_on_again_afterwards(monkeypatch):
    from dcgan_tf.gan import arithmetic, plain, views
    from dcgan_tf.gan.fast import adam, convolution, forward, one_backward, ops
    from dcgan_tf.gan.step import GAN

    def state():
        owners = (ops, adam, one_backward, forward, convolution.Convolution, views.AugmentedDiscriminator, GAN)
        owners += (arithmetic, plain, variants)
        return [dict(os.environ), dict(forward.RUNNERS), *(dict(vars(owner)) for owner in owners)]

    monkeypatch.setattr(tricks, "machine", lambda: {"flags": ["avx2"]})
    before = state()
    for off in tricks.TRICKS.values():
        assert off() != tricks.Without()
        assert state() == before


@pytest.mark.parametrize("preset", ["mnist-mlp", "mnist"])
def test_the_reference_is_a_variant(preset):
    preset = replace(PRESETS[preset], batch_size=2)
    precision, update = variants.train("reference float32", preset)
    assert precision == "float32"
    assert [float(loss) for loss in update()] == pytest.approx(
        [float(loss) for loss in variants.train("ours float32", preset)[1]()], rel=1e-4
    )


def test_pipeline_sources(tmp_path, here_and_now):
    path = tmp_path / "pipeline.json"
    config = pipeline.Config(("mnist-mlp",), rounds=2, turn_seconds=0, batches=2, loops=(), json=str(path))
    pipeline.main(config)
    found = results(path)["sources"]["mnist-mlp"]
    assert set(found) == {"constant batch", ".npy", "folder", "IDX", "prepared set"}
    assert all(len(seconds) == 2 for seconds in found.values())


def test_pipeline_whole_runs(tmp_path, here_and_now, monkeypatch):
    monkeypatch.setitem(pipeline.LOOPS, "digits", pipeline.Loop("auto", 128, (8, 8, 1), 1))
    path = tmp_path / "pipeline.json"
    pipeline.main(pipeline.Config((), loops=("digits",), epochs=2, json=str(path)))
    run = results(path)["loops"]["digits"]
    assert (run["images"], run["epochs"], len(run["steps"])) == (128, 2, 16)  # best: batches of 16
    assert sum(run["parts"].values()) == pytest.approx(run["cost"])


def test_startup(tmp_path):
    path = tmp_path / "startup.json"
    startup.main(startup.Config(rounds=2, training=False, json=str(path)))
    seconds = results(path)["seconds"]
    assert set(seconds) == set(startup.JOBS) and all(len(of) == 2 for of in seconds.values())


ALLOCATED_BYTES = 3 * 10**8
HOLDS_MEMORY = f"import time; held = b'x' * {ALLOCATED_BYTES}; time.sleep(0.5)"


def holds_memory(command, env, stdout, start=subprocess.Popen):
    """In place of a training: checks that the command is one, and starts a process that needs a known amount of memory."""
    assert Path(command[1]).name == "train.py"
    config = parse(TrainConfig, command[2:])
    check(config)
    assert open_source(config.data, value_range=config.value_range).image_shape == (28, 28, 1)
    return start([sys.executable, "-c", HOLDS_MEMORY], env=env, stdout=stdout)


def test_scaling(tmp_path, here_and_now, monkeypatch):
    monkeypatch.setattr(scaling.allreduce, "seconds", lambda sizes, rounds: [[0.5] * rounds for _ in sizes])
    monkeypatch.setattr(scaling.subprocess, "Popen", holds_memory)
    path = tmp_path / "scaling.json"
    scaling.main(
        scaling.Config(
            (0.0003,), (0.0003,), steps=2, presets=("mnist-mlp",), batch_sizes=(2,), rounds=1, json=str(path)
        )
    )
    found = results(path)
    assert [run["form"] for run in found["memory"]] == [".npy", "prepared set"]
    assert all(1 < run[name] / ALLOCATED_BYTES < 1.2 for run in found["memory"] for name in ("peak", "anonymous"))
    measured = found["workers"]["mnist-mlp"]
    assert set(measured["steps"]) == {"2", "64"} and measured["sums"] == [[0.5], [0.5]]
    assert measured["bytes"] == [4 * 559_632, 4 * 533_505]


def test_sum_of_two_processes(monkeypatch):
    monkeypatch.setattr(
        allreduce.multiprocessing, "get_context", lambda method: FORKS
    )  # They need not import TensorFlow.
    assert [len(times) for times in allreduce.seconds([1, 1000], 2)] == [2, 2]
