"""Files that would run code, read other files, or take all memory: each is one line, and none does it."""

import io
import json
import struct
import zipfile

import h5py
import numpy as np
import pytest
from support.helpers import error_of
from support.small_nets import assert_same_net, generator, keras, layers

from dcgan_tf.common.backend import tf
from dcgan_tf.config.net_file import NetFile
from dcgan_tf.nets import hdf5, limits
from dcgan_tf.nets.opening import open_net
from dcgan_tf.nets.reading import checkpoint
from dcgan_tf.nets.reading.look import look_at
from dcgan_tf.nets.saved import load_net, parts_in, settings_of

resource = pytest.importorskip("resource", reason="Windows does not say how much memory a process has had")

MAX_GROWTH_BYTES = 500_000_000
FREE_BYTES = 10**12
NEVER_CODE = "does not load: only plain layers of Keras do, never code; save the net without it"


@pytest.fixture(autouse=True)
def harmless(tmp_path, monkeypatch):
    """Memory stays bounded, and no file appears but those that the test made."""
    for module in (hdf5, limits, checkpoint):
        monkeypatch.setattr(module, "free_bytes", lambda: FREE_BYTES)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    assert grown < MAX_GROWTH_BYTES
    assert not list((tmp_path / "empty").iterdir())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    for ending in (".h5", ".keras"):
        generator().save(folder / f"net{ending}")
    return folder


@pytest.fixture
def changed(whole, tmp_path):
    """Makes the file of a net whose settings or weights were changed: `of_settings(list of layers, all settings)` and
    `of_weights(the HDF5 file, the group of the first layer)`. Settings may be returned as text, too."""

    def settings(text, change):
        net = json.loads(text)
        new = change(net["config"]["layers"], net) or net
        return new if isinstance(new, str) else json.dumps(new)

    def make(ending, of_settings=lambda entries, net: None, of_weights=lambda file, group: None):
        path = tmp_path / f"net{ending}"
        if ending == ".h5":
            path.write_bytes((whole / path.name).read_bytes())
            with h5py.File(path, "r+") as file:
                file.attrs["model_config"] = settings(file.attrs["model_config"], of_settings)
                of_weights(file, next(iter(file["model_weights"].values())))
            return path
        with zipfile.ZipFile(whole / path.name) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        members["config.json"] = settings(members["config.json"], of_settings)
        weights = io.BytesIO(members["model.weights.h5"])
        with h5py.File(weights, "r+") as file:
            of_weights(file, file["layers/dense"])
        members["model.weights.h5"] = weights.getvalue()
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path

    return make


both_endings = pytest.mark.parametrize("ending", [".h5", ".keras"])


# Other files, and groups without an end


@both_endings
@pytest.mark.parametrize(
    ("link", "what"),
    [
        (h5py.ExternalLink("private.h5", "/w"), "a link to another file"),
        (h5py.SoftLink("/elsewhere"), "a soft link"),
    ],
)
def test_links(changed, ending, link, what):
    path = changed(ending, of_weights=lambda file, group: group.__setitem__("more", link))
    message = error_of(load_net, path)
    assert message.startswith(f"{path}: holds {what}, at /")
    assert message.endswith("/more, which no net needs: give a net saved with model.save")


@both_endings
def test_a_group_in_itself(changed, ending):
    path = changed(ending, of_weights=lambda file, group: group.__setitem__("itself", file["/"]))
    assert_same_net(load_net(path), generator())


def test_weights_alone_with_a_group_in_itself(tmp_path):
    net = generator()
    net.save_weights(tmp_path / "net.weights.h5")
    with h5py.File(tmp_path / "net.weights.h5", "r+") as file:
        file["layers/dense/itself"] = file["layers"]
        file["layers/again"] = file["layers"]
    (tmp_path / "net.json").write_text(net.to_json())
    assert_same_net(open_net(tmp_path / "net.weights.h5", "generator"), net)


# Absurd sizes


def added(kind, **config):
    def change(entries, net):
        entries.append({"class_name": kind, "config": {"name": "it", **config}})

    return change


ABSURD = [
    added("UpSampling2D", size=[10**6, 10**6]),
    added("Conv2D", filters=10**12, kernel_size=[3, 3]),
    added("Resizing", height=10**6, width=10**6),
    lambda entries, net: entries[1]["config"].update(units=10**12),
    lambda entries, net: entries[0]["config"].update(batch_shape=[None, 10**13]),
]


@both_endings
@pytest.mark.parametrize("change", ABSURD)
def test_settings_of_absurd_sizes(changed, ending, change):
    path = changed(ending, change)
    message = error_of(load_net, path)
    assert message.startswith(f"{path}: ")


@pytest.mark.parametrize("change", ABSURD[:3])
def test_absurd_sizes_are_looked_at_without_memory(changed, change):
    look, _ = look_at(settings_of(changed(".keras", change)))
    assert look.layers[-1].name == "it"


@both_endings
def test_weights_of_more_than_the_memory(changed, ending):
    path = changed(
        ending, of_weights=lambda file, group: group.create_dataset("more", [10**7, 10**6], "f4", chunks=(10, 10))
    )
    assert error_of(load_net, path) == (
        f"{path}: claims weights of 4e+04 GB, and 1e+03 GB of memory are free: give a smaller net"
    )


def test_a_member_that_says_it_is_small(changed):
    """Python reads no more of a member than its size says, and misses its checksum."""
    path = changed(".keras")
    bomb = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, bytes(2 * 10**7) if name == "model.weights.h5" else old.read(name))
    content = bytearray(bomb.getvalue())
    for start, offset in [(b"PK\x03\x04", 22), (b"PK\x01\x02", 24)]:  # Where both directories have the size.
        place = content.rindex(
            start, 0, content.index(b"model.weights.h5") if offset == 22 else content.rindex(b"model.weights.h5")
        )
        content[place + offset : place + offset + 4] = struct.pack("<I", 5000)
    path.write_bytes(content)
    assert error_of(load_net, path).startswith(f"{path}: cannot be read (BadZipFile: ")


@both_endings
@pytest.mark.parametrize("text", ['{"a":' * 10_000 + "1" + "}" * 10_000, "[" * 10_000 + "]" * 10_000])
def test_settings_nested_without_an_end(changed, ending, text):
    path = changed(ending, lambda entries, net: text)
    assert error_of(load_net, path).startswith(f"{path}: ")
    assert error_of(parts_in, path).startswith(f"{path}: ")


def test_a_hundred_thousand_layers(changed):
    text = '{"class_name": "Sequential", "config": {"name": "net", "layers": [' + "{}," * 99_999 + "{}]}}"
    path = changed(".h5", lambda entries, net: text)
    assert error_of(load_net, path) == f"{path}: has 100,000 layers, 5,000 at most are read: give a smaller net"


# Code


LAMBDA = {
    "module": "keras.layers", "class_name": "Lambda", "registered_name": None,
    "config": {"name": "trap", "function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}},
}  # fmt: skip


def nested(inner):
    return {
        "module": "keras",
        "class_name": "Sequential",
        "registered_name": None,
        "config": {"name": "inner", "layers": [inner]},
    }


def functional(inner):
    given = {"class_name": "__keras_tensor__", "config": {"keras_history": ["in", 0, 0]}}
    first = {
        "class_name": "InputLayer",
        "config": {"name": "in", "batch_shape": [None, 6]},
        "name": "in",
        "inbound_nodes": [],
    }
    inner = {**inner, "name": "trap", "inbound_nodes": [{"args": [given], "kwargs": {}}]}
    return {
        "module": "keras", "class_name": "Functional", "registered_name": "Functional",
        "config": {"name": "inner", "layers": [first, inner], "input_layers": ["in", 0, 0], "output_layers": ["trap", 0, 0]},
    }  # fmt: skip


@both_endings
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda entries, net: entries.append(LAMBDA), f"layer 'trap' (Lambda) {NEVER_CODE}"),
        (lambda entries, net: entries.insert(1, nested(nested(LAMBDA))), f"layer 'trap' (Lambda) {NEVER_CODE}"),
        (lambda entries, net: entries.insert(1, functional(LAMBDA)), f"layer 'trap' (Lambda) {NEVER_CODE}"),
        (lambda entries, net: entries[1]["config"].update(activation=LAMBDA), "has an activation that does not load; these do: "),
        (added("Activation", activation=LAMBDA), "has an activation that does not load; these do: "),
        (added("SpectralNormalization", layer=LAMBDA), f"layer 'trap' (Lambda) {NEVER_CODE}"),
        (added("SpectralNormalization", layer={"class_name": "SpectralNormalization", "config": {"layer": LAMBDA}}),
         f"layer 'trap' (Lambda) {NEVER_CODE}"),
        (added("SpectralNormalization", layer="Lambda"), ""),
        (added("TimeDistributed", layer=LAMBDA), f"layer 'it' (TimeDistributed) {NEVER_CODE}"),
        (added("Dense", units=LAMBDA), "layer 'it' (Dense) has a units that is not a plain value; save the net without it"),
        (added("Rescaling", scale=LAMBDA), "layer 'it' (Rescaling) has a scale that is not a plain value"),
        (added("TFSMLayer", filepath="net"), f"layer 'it' (TFSMLayer) {NEVER_CODE}"),
        (lambda entries, net: net.update(LAMBDA), "holds a Lambda; give a Sequential net, or a functional one like it"),
        (lambda entries, net: entries[1].update(LAMBDA["config"], class_name=LAMBDA), ""),
    ],
)  # fmt: skip
def test_a_lambda_anywhere(changed, ending, change, words):
    path = changed(ending, change)
    message = error_of(load_net, path)
    assert message.startswith(f"{path}: ")
    assert words in message


def test_a_lambda_in_one_part_of_a_whole_gan(tmp_path):
    made = keras.Sequential([keras.Input([4]), layers.Dense(12), layers.Reshape([2, 2, 3])], name="g")
    judge = keras.Sequential(
        [keras.Input([2, 2, 3]), layers.Flatten(), layers.Lambda(lambda x: x, name="trap"), layers.Dense(1)]
    )
    path = tmp_path / "gan.keras"
    keras.Sequential([keras.Input([4]), made, judge]).save(path)
    for part in ("discriminator", None):
        assert error_of(load_net, path, part) == f"{path}: layer 'trap' (Lambda) {NEVER_CODE}"
    assert [layer.name for layer in load_net(path, "generator").layers] == [layer.name for layer in made.layers]


@pytest.mark.parametrize(
    "words",
    [
        {"module": "os", "class_name": "Dense"},
        {"module": "keras_hub.layers", "class_name": "Dense"},
        {"registered_name": "mine>Dense", "class_name": "Dense"},
        {"registered_name": "keras.layers>Dense", "class_name": "Dense"},
        {"module": "builtins", "class_name": "exec", "registered_name": "exec"},
        {"module": "keras.layers", "class_name": "Layer"},
        {"module": "keras.layers", "class_name": "__init__"},
        {"module": "keras.saving", "class_name": "load_model"},
    ],
)
def test_names_of_others(changed, words):
    path = changed(".keras", lambda entries, net: entries.append({"config": {"name": "it", "units": 1}, **words}))
    assert error_of(load_net, path) == f"{path}: layer 'it' ({words['class_name']}) {NEVER_CODE}"


def test_a_class_of_others_within_a_layer(changed):
    inner = {
        "module": None,
        "class_name": "Dense",
        "registered_name": "mine>Dense",
        "config": {"name": "it", "units": 1},
    }
    path = changed(".keras", added("SpectralNormalization", layer=inner))
    assert error_of(load_net, path) == f"{path}: layer 'it' (Dense) {NEVER_CODE}"


@pytest.mark.parametrize(
    "activation", [{"module": "builtins", "class_name": "function", "config": "exec"}, "keras.saving.load_model"]
)
def test_activations_of_others(changed, activation):
    path = changed(".keras", added("Dense", units=1, activation=activation))
    assert "layer 'it' (Dense) has an activation that does not load; these do: " in error_of(load_net, path)


@pytest.mark.parametrize("name", ["__init__", "Regularizer", "get", None])
def test_regularizers_that_are_none(changed, capsys, name):
    rule = {"module": "keras.regularizers", "class_name": name, "config": {"l2": 1}, "registered_name": None}
    path = changed(".keras", lambda entries, net: entries[1]["config"].update(kernel_regularizer=rule))
    if name == "Regularizer":  # It is one, and takes no numbers.
        assert error_of(load_net, path).startswith(f"{path}: ")
    else:
        assert_same_net(load_net(path), generator())
        assert f"has a kernel_regularizer that is not of Keras ({name}), which is left out" in capsys.readouterr().out


# Weights alone, and what lies beside them


@pytest.fixture
def weights(tmp_path):
    generator().save_weights(tmp_path / "g.weights.h5")
    return tmp_path / "g.weights.h5"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('{"class_name": "Sequential", "config":' + "[" * 10_000 + "]" * 10_000 + "}", "say of which net"),
        ("<html>", "say of which net"),
        (json.dumps({"class_name": "Sequential", "config": {"layers": [LAMBDA]}}), ""),
        (json.dumps(nested(nested(LAMBDA))), ""),
        (json.dumps({"class_name": "exec", "config": {}}), "holds a exec; give a Sequential net, or a functional one like it"),
        (json.dumps(nested({"class_name": "Dense", "config": {"units": 10**12, "batch_input_shape": [None, 10**6]}})), "needs "),
        (json.dumps(nested({"class_name": "Dense", "config": {"units": 1, "batch_input_shape": [None, 1]}})),
         "its weights do not fit that net; it holds "),
        (json.dumps({"class_name": "Sequential", "config": {"layers": [{}] * 6000}}), "has 6,000 layers, 5,000 at most are read"),
    ],
)  # fmt: skip
def test_settings_beside_weights(weights, settings, words):
    weights.with_name("g.json").write_text(settings)
    message = error_of(open_net, weights, "generator")
    assert message.startswith(f"{weights}: ")
    assert words in message


def crc32c(data: bytes) -> int:
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def varint(number: int) -> bytes:
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def block(entries) -> bytes:
    """A block of a table of LevelDB, with its checksum, as the index of a checkpoint is."""
    content, restarts = b"", []
    for key, value in entries:
        restarts.append(len(content))
        content += b"\0" + varint(len(key)) + varint(len(value)) + key + value
    content += b"".join(struct.pack("<I", place) for place in restarts or [0]) + struct.pack(
        "<I", max(1, len(restarts))
    )
    content += b"\0"  # It is not compressed.
    checksum = crc32c(content)
    return content + struct.pack("<I", ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def write_checkpoint(prefix, shapes: dict[str, list[int]]) -> None:
    """A checkpoint of float32 whose index says these shapes, and whose data are 64 bytes."""

    def field(number: int, content: bytes) -> bytes:
        return varint(number << 3 | 2) + varint(len(content)) + content

    def entry(shape):
        dims = b"".join(field(2, b"\x08" + varint(size)) for size in shape)
        return b"\x08\x01" + field(2, dims) + b"\x28\x40"  # DT_FLOAT, its shape, 64 bytes

    header = b"\x08\x01" + field(3, b"\x08\x01")  # one file of data, of version 1
    names = {f"{name}/.ATTRIBUTES/VARIABLE_VALUE".encode(): entry(shape) for name, shape in shapes.items()}
    data, meta = block([(b"", header), *sorted(names.items())]), block([])
    index = block([(b"\xff", varint(0) + varint(len(data) - 5))])
    handles = varint(len(data)) + varint(len(meta) - 5) + varint(len(data) + len(meta)) + varint(len(index) - 5)
    footer = handles.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
    prefix.with_name(f"{prefix.name}.index").write_bytes(data + meta + index + footer)
    prefix.with_name(f"{prefix.name}.data-00000-of-00001").write_bytes(bytes(64))


def test_a_checkpoint_written_by_hand_is_read(tmp_path):
    write_checkpoint(tmp_path / "ckpt", {"layer/kernel": [4, 4]})
    assert tf.train.load_checkpoint(str(tmp_path / "ckpt")).get_variable_to_shape_map() == {
        "layer/kernel/.ATTRIBUTES/VARIABLE_VALUE": [4, 4]
    }


@pytest.mark.parametrize(
    "shapes", [{"a/kernel": [10**7, 10**6]}, {f"l{number}/kernel": [10**6, 10**5] for number in range(9)}]
)
def test_a_checkpoint_that_claims_more_than_the_memory(tmp_path, checkpoints_here, shapes):
    write_checkpoint(tmp_path / "ckpt", shapes)
    for beside in (NetFile(), NetFile(preset="mnist-mlp")):
        message = error_of(open_net, tmp_path / "ckpt", "generator", beside)
        assert message.startswith(f"{tmp_path}/ckpt: ")
        assert "claims weights of " in message
        assert message.endswith(" of memory are free")


def test_a_checkpoint_whose_shape_no_number_holds(tmp_path):
    """TensorFlow ends its process at this."""
    write_checkpoint(tmp_path / "ckpt", {"a/kernel": [2**40, 2**40]})
    message = error_of(open_net, tmp_path / "ckpt", "generator")
    assert message.startswith(f"{tmp_path}/ckpt: is a damaged checkpoint")


@pytest.mark.parametrize("shape", [[100, 100], [0], [2**31], [4, 4, 4, 4, 4, 4, 4, 4, 4]])
def test_a_checkpoint_whose_data_are_less_than_it_says(tmp_path, checkpoints_here, shape):
    write_checkpoint(tmp_path / "ckpt", {"a/kernel": shape})
    assert error_of(open_net, tmp_path / "ckpt", "generator").startswith(f"{tmp_path}/ckpt: ")


def test_a_checkpoint_cut_short(tmp_path, checkpoints_here):
    write_checkpoint(tmp_path / "ckpt", {"a/kernel": [4, 4]})
    content = (tmp_path / "ckpt.index").read_bytes()
    for size in (0, 10, len(content) - 20):
        (tmp_path / "ckpt.index").write_bytes(content[:size])
        assert error_of(open_net, tmp_path / "ckpt", "generator").startswith(f"{tmp_path}/ckpt: ")


def test_names_of_weights_that_lead_nowhere(changed):
    def away(file, group):
        group.attrs["weight_names"] = [b"../../../etc/passwd", b"/model_weights"]

    path = changed(".h5", of_weights=away)
    assert error_of(load_net, path).startswith(f"{path}: ")


def test_weights_that_are_listed_many_times(changed):
    """A dataset that was never written takes no place in the file."""

    def many(file, group):
        group.create_dataset("big", [10_000_000], "f4", chunks=(1000,))
        group.attrs["weight_names"] = [b"big"] * 40

    path = changed(".h5", of_weights=many)
    assert error_of(load_net, path).startswith(f"{path}: ")


def test_arrays_of_other_types(changed):
    def other(file, group):
        name = group.attrs["weight_names"][0]
        shape = group[name].shape
        del group[name]
        group[name] = np.full(shape, np.nan, "f8")

    net = load_net(changed(".h5", of_weights=other))
    assert {layer.dtype for layer in net.layers} == {"float32"}
