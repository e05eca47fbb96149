"""A generator or a discriminator from a file of any kind: a net of Keras, weights alone, or tensors of PyTorch."""

from pathlib import Path

from dcgan_tf.common.backend import keras
from dcgan_tf.common.console import note
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.config.net_file import AS_SAVED, NetFile
from dcgan_tf.config.presets import PRESETS
from dcgan_tf.nets.build import build_discriminator, build_generator
from dcgan_tf.nets.calls import calls_of
from dcgan_tf.nets.pytorch.recognised import net_of_tensors
from dcgan_tf.nets.pytorch.tensors import read_tensors
from dcgan_tf.nets.reading import bare
from dcgan_tf.nets.reading.kinds import Kind, is_settings, kind_of
from dcgan_tf.nets.reading.settings import NetSettings
from dcgan_tf.nets.saved import load_net, make_settings, parts_in, settings_of, told

_SETTINGS_ENDINGS = ("_weights", ".weights", "-weights", "_weight", "weights")
_BUILDERS = {"generator": build_generator, "discriminator": build_discriminator}


def open_net(path, role: str, file: NetFile = AS_SAVED) -> keras.Model:
    """The net in a file, float32, not compiled: a Sequential where it is one layer after the other.

    role: "generator" or "discriminator", which the net is to be. No code of the file is ever run.

    Raises:
        UserError: the file holds no such net, or weights alone of which nothing says what net they are of.
    """
    kind = told(path, kind_of)
    if kind.is_of_torch:
        tensors = read_tensors(path)
        return told(path, lambda _: net_of_tensors(tensors, file.part))
    if kind.is_weights_alone:
        return told(path, lambda weights: _filled(weights, kind, role, file))
    net = load_net(path, file.part)
    if file.part is None and _may_be_whole_gan(net, role) and parts_in(path):
        raise UserError(
            f"{printable(path)}: is a whole GAN, generator and discriminator in one: give --part {role} to take that alone"
        )
    return net


def open_to_train(path, role: str, preset: str | None = None) -> keras.Model:
    """The net in a file that is to be trained further, or to judge: one layer after the other, or one that knows classes.

    Of a whole GAN it is the part of that role, which is said. role, preset: as of `open_net`.

    Raises:
        UserError: as of `open_net`; or the net has branches without classes.
    """
    kind = told(path, kind_of)
    if kind.is_weights_alone or kind.is_of_torch:
        net = open_net(path, role, NetFile(role if kind.is_of_torch else None, preset))
    else:
        net = load_net(path)
        if _may_be_whole_gan(net, role) and parts_in(path):
            note(f"{printable(path)} is a whole GAN: its {role} is taken")
            net = load_net(path, role)
    if isinstance(net, keras.Sequential):
        return net
    if len(net.inputs) == len(net.outputs) == 1:
        raise UserError(
            f"{printable(path)}: holds a net with branches; only one layer after the other, from one input to one output, can "
            "be trained, or a net that knows classes"
        )
    told(path, lambda _: calls_of(net))  # Each layer is called in a way that can be trained.
    return net


def _may_be_whole_gan(net: keras.Model, role: str) -> bool:
    """Whether a net does not end in images where a generator is wanted, or begins with none where a discriminator is."""
    tensors = net.outputs if role == "generator" else net.inputs
    return not any(len(tensor.shape) == 4 for tensor in tensors)


def _filled(path: Path, kind: Kind, role: str, asked: NetFile) -> keras.Model:
    net = _settings(path, kind, role, asked)
    model, layers = make_settings(net)
    bare.fill(path, kind, net, layers, role)
    return model


def _settings(path: Path, kind: Kind, role: str, asked: NetFile) -> NetSettings:
    """The settings of the net that a file's weights are of."""
    if asked.preset is not None:
        return settings_of(_BUILDERS[role](PRESETS[asked.preset]).to_json())
    if asked.net is not None:
        return settings_of(Path(asked.net))
    found = _settings_beside(path)
    if found is not None:
        note(f"{printable(path.name)} holds weights alone: their net is taken from {printable(found.name)} beside it")
        return settings_of(found)
    held = bare.shapes_text(path, kind)
    raise UserError(
        f"holds {kind.value}: say of which net, with --preset NAME or with --net FILE, the JSON of model.to_json; "
        f"it holds {held}"
    )


def _settings_beside(path: Path) -> Path | None:
    """A JSON file of a net's settings whose name goes with that of the weights: generator.json of generator_weights.h5."""
    stem = path.name.removesuffix(path.suffix)
    names = [stem, *(stem.removesuffix(ending) for ending in _SETTINGS_ENDINGS)]
    candidates = [
        path.with_name(f"{name}{more}.json") for name in names if name for more in ("", "_model", "_architecture")
    ]
    return next((file for file in candidates if file.is_file() and is_settings(file)), None)
