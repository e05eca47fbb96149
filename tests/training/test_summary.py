import collections
import dataclasses
import functools
import itertools

import numpy as np

from dcgan_tf.config.train import Switches, TrainConfig
from dcgan_tf.gan.step import GAN
from dcgan_tf.nets.build import build_discriminator, build_generator
from dcgan_tf.training.cadence import is_due
from dcgan_tf.training.plan import make_plan
from dcgan_tf.training.saver import to_delete
from dcgan_tf.training.summary import expected_disk, kept_epochs, summary


@functools.cache
def gan_of(preset):
    return GAN(preset, build_generator(preset), build_discriminator(preset))


def plan_and_gan(squares, **flags):
    plan = make_plan(TrainConfig(data=str(squares), batch_size=16, precision="float32", **flags))
    return plan, gan_of(plan.preset)


def test_kept_epochs_are_counted_as_they_are_kept():
    for first, last, every, keep_last, keep_every in itertools.product(
        (0, 3, 4), (4, 12, 25), (1, 3, 4), (0, 1, 5), (0, 2, 5)
    ):
        saved = [epoch for epoch in range(first + 1, last + 1) if is_due(epoch, every, last)]
        kept = len(saved) - len(to_delete(saved, keep_last, keep_every))
        assert kept_epochs(first, last, every, keep_last, keep_every) == kept, (
            first,
            last,
            every,
            keep_last,
            keep_every,
        )
    assert kept_epochs(0, 10**15, 1, 10, 50) == 10 + (10**15 - 10) // 50


def test_expected_disk_by_hand(squares):
    plan, gan = plan_and_gan(squares, epochs=12, keep_last=2, keep_every=5, sample_every=4)
    # Kept are epochs 5, 10, 11, 12.
    trained = {"generator": 629_504, "discriminator": 528_000}  # 128 of them the bias of best
    statistics = {"generator": 2 * (256 + 128), "discriminator": 2 * 256}
    generator, discriminator = (4 * (trained[net] + statistics[net]) for net in trained)
    adam = 4 * 2 * sum(trained.values()) + 2 * 2 * 4  # two moments each; iterations and rate of two optimizers
    pictures = 4 * 64 * 8 * 8
    assert abs(
        expected_disk(plan, gan) - (4 * (2 * generator + discriminator) + 2 * (generator + discriminator + adam) + 2 * pictures)
    ) < 100  # fmt: skip
    goes_back, _ = plan_and_gan(
        squares, epochs=12, keep_last=2, keep_every=5, sample_every=4, on_collapse="rollback"
    )  # the first state, too, and that of the best epoch
    assert abs(
        expected_disk(goes_back, gan) - expected_disk(plan, gan) - 2 * (generator + discriminator + adam)
    ) < 100  # fmt: skip
    half, _ = plan_and_gan(squares, epochs=12, keep_last=2, keep_every=5, sample_every=4, max_steps=3)
    assert expected_disk(half, gan) < expected_disk(plan, gan)


def test_rows(squares, tmp_path):
    plan, gan = plan_and_gan(squares, epochs=12, run_dir=str(tmp_path))
    rows = dict(line.split(maxsplit=1) for line in summary(plan, gan, "float32", 0.5, 6).splitlines())
    assert rows["steps"] == "3 an epoch of 16 images each, 12 epochs, 36 in all, 6 done"
    assert rows["time"] == "about 15 s (0.5 s a step, 32 images/s)"
    assert rows["images"] == "44 of 8x8x1 from squares, uint8 0..255"
    assert rows["preset"] == "the net of faces64, fitted to 8x8 grey"
    assert not {"classes", "size"} & set(rows)


def test_one_epoch(squares, tmp_path):
    plan, gan = plan_and_gan(squares, epochs=1, run_dir=str(tmp_path))
    assert "3 an epoch of 16 images each, 1 epoch, 3 in all\n" in summary(plan, gan, "float32", 0.5, 0)


def test_saved_nets_are_named_in_place_of_a_preset(squares, tmp_path):
    plan, gan = plan_and_gan(squares, run_dir=str(tmp_path))
    config = dataclasses.replace(plan.config, generator="old/epoch7_Gmodel.h5")
    plan = dataclasses.replace(plan, settings=dataclasses.replace(plan.settings, config=config))
    rows = dict(line.split(maxsplit=1) for line in summary(plan, gan, "float32", 0.5, 0).splitlines())
    assert rows["nets"] == "generator old/epoch7_Gmodel.h5, 629,504 parameters, discriminator 528,000"
    assert "preset" not in rows


def test_classes_are_counted(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, [6, 8, 8], np.uint8)
    np.savez(tmp_path / "set.npz", images=images, labels=[0, 2, 2, 1, 0, 2])
    plan, gan = plan_and_gan(tmp_path / "set.npz", run_dir=str(tmp_path))
    rows = dict(line.split(maxsplit=1) for line in summary(plan, gan, "float32", 0.5, 0).splitlines())
    assert rows["classes"] == "0 2, 1 1, 2 3"


def lines_of(tmp_path, counts, **flags):
    """The summary of a run on as many images of the classes 0, 1, ... as `counts` says, by the words that lines begin with."""
    labels = np.repeat(np.arange(len(counts)), counts)
    images = np.random.default_rng(0).integers(0, 256, [len(labels), 8, 8], np.uint8)
    np.savez(tmp_path / "set.npz", images=images, labels=labels)
    plan = make_plan(TrainConfig(data=str(tmp_path / "set.npz"), batch_size=16, run_dir=str(tmp_path / "run"), **flags))
    gan = gan_of(dataclasses.replace(plan.preset, grid=(4, 4)))
    found = collections.defaultdict(list)
    for line in summary(plan, gan, "float32", 0.5, 0).splitlines():
        name, text = line.split(maxsplit=1)
        found[name].append(text)
    return found


def test_small_classes_are_named(tmp_path):
    conditional = Switches(conditional="on")
    lines = lines_of(tmp_path, [16, 3, 20, 15], switches=conditional)
    assert lines["classes"] == ["0 16, 1 3, 2 20, 3 15"] and lines["recipe"][0].endswith(", conditional")
    assert lines["note"] == ["classes of fewer than 16 images, of which the net learns little: 1 (3), 3 (15)"]
    assert lines_of(tmp_path, [16, 3, 20, 15])["note"] == []  # Nothing is asked of classes.
    lines = lines_of(tmp_path, [16, 3, 20, 15], balance="on")
    assert lines["classes"] == ["0 16, 1 3, 2 20, 3 15; drawn equally often"] and lines["note"] == []
    assert lines_of(tmp_path, [16, 20], switches=conditional)["note"] == []


def test_of_many_classes_the_first_are_named(tmp_path):
    lines = lines_of(tmp_path, [4] * 1000, switches=Switches(conditional="on"))
    first = range(20)
    assert lines["classes"] == ["1,000: " + ", ".join(f"{label} 4" for label in first) + ", ..."]
    named = ", ".join(f"{label} (4)" for label in first)
    assert lines["note"] == [f"classes of fewer than 16 images, of which the net learns little: {named}, ..."]
