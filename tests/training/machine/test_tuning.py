import numpy as np
import pytest
from support.settings import settings
from support.small_nets import narrow

from dcgan_tf.common.backend import tf
from dcgan_tf.common.errors import UserError
from dcgan_tf.config.fitting import preset_for
from dcgan_tf.config.recipes import Recipe
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.config.variants import applied
from dcgan_tf.gan.step import GAN
from dcgan_tf.nets.build import build_discriminator, build_generator
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.settings import write_settings
from dcgan_tf.training.command import train
from dcgan_tf.training.machine import tuning
from dcgan_tf.training.machine.devices import check_precision
from dcgan_tf.training.machine.tuning import Precision, fastest_precision, settle_precision, settle_xla
from dcgan_tf.training.plan import make_plan

DEFAULT = tf.distribute.get_strategy()


@pytest.mark.parametrize(
    "float32, bfloat16, expected",
    [
        (0.03, 0.01, "bfloat16 (faster here than float32)"),
        (0.0121, 0.01, "bfloat16 (faster here than float32)"),
        (0.0119, 0.01, "float32 (bfloat16 gains little or nothing here)"),
        (0.01, 0.05, "float32 (bfloat16 gains little or nothing here)"),
    ],
)
def test_the_faster_precision_is_taken_where_it_gains_a_fifth(float32, bfloat16, expected, monkeypatch):
    monkeypatch.setattr(tuning, "_convolution_seconds", lambda: {tf.float32: float32, tf.bfloat16: bfloat16})
    assert str(fastest_precision(DEFAULT)) == expected


def test_it_is_really_measured():
    seconds = tuning._convolution_seconds()
    # 3 x 1.07 GFLOP: no machine that trains takes a minute, none is done in a microsecond.
    assert set(seconds) == {tf.float32, tf.bfloat16} and all(1e-6 < value < 60 for value in seconds.values())


@pytest.mark.parametrize(("slow", "turns"), [(0.01, 6), (0.09, 3)])
def test_what_is_hopeless_is_not_measured_to_the_end(slow, turns, monkeypatch):
    now, calls = [0.0], []
    monkeypatch.setattr(tuning.time, "perf_counter", lambda: now[0])

    def job(name, seconds):
        calls.append(name)
        now[0] += seconds * (1 + 9 * (len(calls) < 3))  # the first of each compiles

    jobs = {"fast": lambda: job("fast", 0.005), "slow": lambda: job("slow", slow)}
    assert tuning._least_seconds(jobs) == pytest.approx({"fast": 0.005, "slow": slow})
    assert calls == ["fast", "slow"] * turns


def plan(squares, tmp_path, **flags):
    return make_plan(TrainConfig(data=str(squares), run_dir=str(tmp_path), batch_size=16, **flags))


def test_what_is_asked_for_and_what_a_run_began_with_is_not_measured(squares, tmp_path):
    def precision(asked="auto"):
        return plan(squares, tmp_path, precision=asked).config.precision

    assert (precision(), precision("bfloat16")) == ("auto", "bfloat16")
    write_settings(RunFolder(tmp_path), settings(precision="bfloat16"))
    assert (precision(), precision("float32")) == ("bfloat16", "float32")
    assert settle_precision("float32", False, DEFAULT) == Precision("float32")
    assert str(settle_precision("bfloat16", True, DEFAULT)) == "bfloat16 (as this run began)"


def test_a_run_goes_on_in_its_precision_wherever_it_goes_on(bare, squares, tmp_path, monkeypatch, capsys):
    config = dict(
        data=str(squares), run_dir=str(tmp_path / "run"), batch_size=16, epochs=2, preset="mnist-mlp", image_size=(8, 8),
        recipe="tutorial", evaluate_every=0,
    )  # fmt: skip
    train(TrainConfig(**config, max_steps=2, precision="bfloat16"))
    monkeypatch.setattr(tuning, "_convolution_seconds", lambda: pytest.fail("measured again"))
    assert train(TrainConfig(**config)) == 0
    assert "bfloat16 (as this run began)" in capsys.readouterr().out


def test_float16_is_for_gpus():
    with pytest.raises(UserError) as refused:
        check_precision("float16")
    assert str(refused.value) == ("--precision float16: is for GPUs, and there is none here: give bfloat16 or float32")


def small_gan():
    preset = preset_for((8, 8, 1), "faces64")
    return GAN(preset, build_generator(preset), build_discriminator(preset))


@pytest.mark.parametrize("plain, compiled, xla", [(2.0, 1.0, True), (1.0, 2.0, False)])
def test_on_a_gpu_xla_is_used_where_it_is_faster(plain, compiled, xla, monkeypatch):
    gan, measured = small_gan(), iter([plain, compiled])
    monkeypatch.setattr(tuning, "_gpus", lambda: ["GPU:0"])
    monkeypatch.setattr(tuning, "measure_step", lambda *arguments: next(measured))
    assert settle_xla(gan, None, 2) == 1.0 and gan.xla == xla


def test_a_net_that_xla_cannot_compile_goes_without(monkeypatch):
    def measure(gan, update, steps):
        if gan.xla:
            raise tf.errors.InvalidArgumentError(None, None, "unsupported")
        return 1.0

    gan = small_gan()
    monkeypatch.setattr(tuning, "_gpus", lambda: ["GPU:0"])
    monkeypatch.setattr(tuning, "measure_step", measure)
    assert settle_xla(gan, None, 2) == 1.0 and not gan.xla


def test_xla_trains_the_same(monkeypatch):
    """On this machine's CPU, where it is not used: the step of nets of classes compiles, and its losses are those of the
    plain one."""
    recipe = Recipe(conditional=True, class_norm=True)
    preset, labels = narrow(applied(preset_for((8, 8, 1), "faces64"), recipe, 3)), tf.constant([2, 0, 1, 1, 2, 0])
    latents = tf.random.stateless_normal([6, 100], [1, 2])  # XLA would draw others
    monkeypatch.setattr("dcgan_tf.gan.step.draw_latents", lambda *arguments: latents)
    real = tf.constant(np.random.default_rng(0).uniform(-1, 1, [6, 8, 8, 1]), tf.float32)
    losses = []
    for xla in (False, True):
        gan = GAN(preset, build_generator(preset), build_discriminator(preset), recipe)
        gan.use_xla(xla)
        steps = tf.range(2, dtype=tf.int64)
        losses.append([float(gan.train_step(real, step, labels)["d_loss"]) for step in steps])
    assert losses[1] == pytest.approx(losses[0], abs=2e-3)
