"""`dcgan-tf inspect FILE` says what a net's file is, and runs nothing of it."""

import numpy as np
import pytest
from support import small_nets
from support.helpers import error_of

from dcgan_tf.cli import main
from dcgan_tf.common.backend import keras, tf
from dcgan_tf.inspection.net_file import inspect_net, is_net

layers = keras.layers


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(capsys):
    return capsys.readouterr().out.splitlines()


def test_a_generator(here, capsys):
    small_nets.generator().save("g.h5")
    assert main(["inspect", "g.h5"]) == 0
    shown = lines(capsys)
    assert shown[0].startswith("file     g.h5, ") and shown[0].endswith(
        f": a net in the .h5 format, saved by Keras {keras.__version__}"
    )
    assert shown[1:5] == [
        "net      a generator: 6 -> 8x8x3",
        "latents  6; whether normal or uniform, no file says: --latents",
        "images   8x8x3, in -1..1, as its last layers tell",
        "weights  1,436 parameters in 8 layers",
    ]
    assert shown[5].split() == ["layers", "name", "kind", "gives", "parameters"]
    assert shown[6].split()[1:] == ["Dense", "32", "192"]
    assert shown[13].split()[1:] == ["Conv2DTranspose,", "tanh", "8x8x3", "300"]
    assert [line.split("dcgan_tf ")[-1].split("dcgan-tf ")[-1] for line in shown[14:]] == [
        "generate g.h5 --out pictures --grid",
        "export g.h5",
        "evaluate g.h5 --data IMAGES",
        "train IMAGES --generator g.h5",
    ]


def test_a_net_that_draws_classes_cannot_be_trained_further(here, capsys):
    latents, labels = keras.Input([6]), keras.Input([1])
    embedded = layers.Flatten()(layers.Embedding(10, 6)(labels))
    image = layers.Reshape([2, 2, 1])(layers.Dense(4)(layers.Multiply()([latents, embedded])))
    keras.Model([labels, latents], image).save("cgan.keras")
    assert inspect_net("cgan.keras") == 0
    shown = lines(capsys)
    assert "net      a generator that draws classes: 1 and 6 -> 2x2x1" in shown
    assert "classes  10, 0 to 9, taken by number as its first input: --labels" in shown
    assert "images   2x2x1, in a range that its layers do not tell" in shown
    assert not any("train" in line for line in shown)


def test_a_discriminator(here, capsys):
    net = small_nets.discriminator()
    keras.Sequential([keras.Input([8, 8, 3]), layers.Rescaling(1 / 255), *net.layers]).save("d.h5")
    assert inspect_net("d.h5") == 0
    shown = lines(capsys)
    assert shown[1:4] == [
        "net      a discriminator: 8x8x3 -> 1",
        "output   a logit, or a score without bounds",
        "images   taken in 0..255, as the Rescaling in front tells",
    ]
    assert shown[-1].endswith("train IMAGES --discriminator d.h5")


def test_a_whole_gan(here, capsys):
    keras.Sequential([keras.Input([6]), small_nets.generator(), small_nets.discriminator()]).save("gan.h5")
    assert inspect_net("gan.h5") == 0
    assert lines(capsys)[1:4] == [
        "net      a whole GAN, generator and discriminator in one",
        "         generator: 6 -> 8x8x3, 1,436 parameters in 8 layers",
        "         discriminator: 8x8x3 -> 1, 469 parameters in 8 layers",
    ]
    assert inspect_net("gan.h5", "discriminator") == 0
    assert "net      a discriminator: 8x8x3 -> 1" in lines(capsys)
    small_nets.generator().save("g.h5")
    assert error_of(inspect_net, "g.h5", "generator") == "--part generator: g.h5 is no whole GAN: leave --part out"


def test_a_net_that_does_not_load_is_shown_all_the_same(here, capsys):
    touch = layers.Lambda(lambda x: (__import__("pathlib").Path("was_run").touch(), x)[1], name="trap")
    keras.Sequential([keras.Input([3]), layers.Dense(2, name="first"), touch]).save("trap.keras")
    (here / "was_run").unlink(missing_ok=True)
    assert inspect_net("trap.keras") == 0
    shown = lines(capsys)
    assert shown[1] == (
        "loads    no: layer 'trap' (Lambda) does not load: only plain layers of Keras do, never code; save the net without it"
    )
    assert [line.split()[-2:] for line in shown[-2:]] == [["first", "Dense"], ["trap", "Lambda"]]
    assert not (here / "was_run").exists()


def test_weights_alone(here, capsys):
    net = small_nets.generator()
    net.save_weights("g.weights.h5")
    tf.train.Checkpoint(x=tf.Variable([[1.0, 2.0]])).write("checkpoint/ckpt")
    assert inspect_net("g.weights.h5") == 0
    shown = lines(capsys)
    assert shown[1] == "weights  1,436 parameters in 5 layers"
    assert ["layers/dense", "6x32"] in [line.split() for line in shown]
    assert shown[-1].endswith("generate g.weights.h5 --net model.json --out pictures")
    assert inspect_net("checkpoint") == 0
    assert "a checkpoint of TensorFlow, which holds weights alone" in lines(capsys)[0]


def test_what_is_none_is_one_line(here, capsys):
    (here / "pointer.h5").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    assert main(["inspect", "pointer.h5"]) == 2
    assert capsys.readouterr().err == (
        "error: pointer.h5: is a Git LFS pointer, not the file itself: fetch it with: git lfs pull\n"
    )


def test_images_in_hdf5_are_images(here):
    import h5py

    with h5py.File("images.h5", "w") as file:
        file["images"] = np.zeros([20, 8, 8, 3], np.uint8)
    assert not is_net("images.h5") and not is_net("photos") and not is_net("images.npy")
    small_nets.generator().save("g.h5")
    assert is_net("g.h5")
