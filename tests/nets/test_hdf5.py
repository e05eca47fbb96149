"""A net's file refers to no other file, claims no more than memory holds, and a flipped bit in it is told."""

import os

import h5py
import numpy as np
import pytest
from support.helpers import error_of
from support.small_nets import assert_same_net, generator, keras

from dcgan_tf.nets import hdf5
from dcgan_tf.nets.hdf5 import add_checksum, open_hdf5
from dcgan_tf.nets.saved import load_model, save_model

MEND = "which no net needs: give a net saved with model.save"


def refusal(path) -> str:
    def opened():
        with open_hdf5(path):
            pytest.fail("it was opened")

    return error_of(opened)


@pytest.fixture
def made(tmp_path):
    """Makes an HDF5 file whose group "g" `fill` has filled."""

    def make(fill):
        with h5py.File(tmp_path / "made.h5", "w") as file:
            fill(file.create_group("g"))
        return tmp_path / "made.h5"

    return make


def virtual(group):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[...] = h5py.VirtualSource("private.h5", "w", (4,))
    group.create_virtual_dataset("w", layout)


def linked(link):
    return lambda group: group.__setitem__("w", link)


@pytest.mark.parametrize(
    ("fill", "what"),
    [
        (lambda group: group.create_dataset("w", [4], "f4", external=[("private", 0, 16)]),
         "a dataset whose data lie in another file"),
        (virtual, "a virtual dataset, put together from other files"),
        (linked(h5py.ExternalLink("private.h5", "/w")), "a link to another file"),
        (linked(h5py.SoftLink("/elsewhere")), "a soft link"),
        (linked(np.dtype("f4")), "a part that is no group and no dataset"),
        (lambda group: group.create_dataset("w", [4], h5py.ref_dtype), "a dataset of no numbers"),
        (lambda group: group.create_dataset("w", [4], h5py.vlen_dtype("f4")), "a dataset of no numbers"),
        (lambda group: group.create_group("w").attrs.__setitem__("a", group.ref),
         "an attribute of neither text nor numbers"),
    ],
)  # fmt: skip
def test_what_may_lie_in_another_file_is_refused(made, fill, what):
    assert refusal(made(fill)) == f"holds {what}, at /g/w, {MEND}"


def test_a_weight_in_another_file_never_becomes_part_of_a_net(tmp_path):
    (tmp_path / "private").write_bytes(b"secret" * 100)
    generator().save(tmp_path / "net.h5")
    with h5py.File(tmp_path / "net.h5", "r+") as file:
        replace_first_weight(file, external=[(str(tmp_path / "private"), 0, 600)])
    assert "holds a dataset whose data lie in another file" in error_of(load_model, tmp_path / "net.h5")


def replace_first_weight(file, shape=None, **options):
    names = []
    file.visititems(lambda name, thing: names.append(name) if isinstance(thing, h5py.Dataset) else None)
    shape = shape or file[names[0]].shape
    del file[names[0]]
    file.create_dataset(names[0], shape, "f4", **options)


def test_a_group_in_itself_and_names_for_the_same_end(made):
    def fill(group):
        group["w"] = np.arange(3)
        group["again"], group["itself"] = group["w"], group

    with open_hdf5(made(fill)) as file:
        assert file["g/itself/itself/again"][1] == 1


def test_claims_without_data_are_refused_before_they_are_read(made, monkeypatch):
    monkeypatch.setattr(hdf5, "free_bytes", lambda: 2_000_000_000)
    path = made(lambda group: group.create_dataset("w", [10**12], "f4", chunks=(100,)))
    assert path.stat().st_size < 10_000
    assert refusal(path) == "claims weights of 4e+03 GB, and 2 GB of memory are free: give a smaller net"


def test_too_many_parts_and_attributes(made, monkeypatch):
    monkeypatch.setattr(hdf5, "MAX_OBJECTS", 5)
    many = made(lambda group: [group.create_group(str(number)) for number in range(9)])
    assert refusal(many) == "holds over 5 parts, more than any net: give a net saved with model.save"
    monkeypatch.setattr(hdf5, "MAX_ATTRIBUTES", 2)
    many = made(lambda group: [group.attrs.__setitem__(str(number), 1) for number in range(3)])
    assert refusal(many) == f"holds over 2 attributes, at /g, {MEND}"


@pytest.mark.parametrize("path", ["pipe.h5", "/dev/zero"])
def test_a_pipe_and_a_device_are_one_line_at_once(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.h5")
    assert error_of(load_model, path) == (
        f"{path}: cannot be read (OSError: not a regular file); "
        "it may be damaged: give a net saved with model.save, .h5 or .keras"
    )


# The checksum


def test_a_saved_net_with_a_changed_weight_is_damaged(tmp_path):
    path = tmp_path / "epoch7_Gmodel.h5"
    net = generator()
    save_model(net, path)
    assert_same_net(net, keras.models.load_model(path, compile=False))
    whole, weight = path.read_bytes(), net.layers[0].get_weights()[0].tobytes()
    place = whole.index(weight)
    for bit in (0, 8 * len(weight) - 1):
        changed = bytearray(whole)
        changed[place + bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        assert error_of(load_model, path) == (
            f"{path}: is damaged (its checksum is wrong): copy it again, or give another"
        )


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file["g"].attrs.__setitem__("names", [b"a", b"c"]),
        lambda file: file["g"].attrs.__setitem__("more", 1),
        lambda file: file["g"].move("w", "v"),
        lambda file: file["g/w"].__setitem__(2, 7),
        lambda file: file.attrs.__setitem__("model_config", "{ }"),
        lambda file: file.attrs.__setitem__(hdf5.CHECKSUM, "0" * 32),
    ],
)
def test_the_checksum_is_over_names_settings_and_weights(made, change):
    def fill(group):
        group["w"] = np.arange(3)
        group.attrs["names"] = [b"a", b"b"]
        group.file.attrs["model_config"] = "{}"
        add_checksum(group.file)

    path = made(fill)
    with open_hdf5(path) as file:
        assert len(file.attrs[hdf5.CHECKSUM]) == 32
    with h5py.File(path, "r+") as file:
        change(file)
    assert refusal(path) == "is damaged (its checksum is wrong): copy it again, or give another"


def test_a_file_without_a_checksum_is_read(made):
    with open_hdf5(made(lambda group: group.__setitem__("w", [1, 2]))) as file:
        assert file["g/w"][()].tolist() == [1, 2]
