"""The members of a .keras file are checked before they are unpacked."""

import io
import warnings
import zipfile

import h5py
import pytest
from nets.test_hdf5 import replace_first_weight
from support.helpers import error_of
from support.small_nets import generator

from dcgan_tf.nets.saved import load_model, load_net


@pytest.fixture
def packed(tmp_path):
    """Packs a net's members anew, changed by `change(members)`, a dict of bytes by name."""
    generator().save(tmp_path / "whole.keras")
    with zipfile.ZipFile(tmp_path / "whole.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}

    def pack(change):
        changed = dict(members)
        change(changed)
        with zipfile.ZipFile(tmp_path / "net.keras", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in changed.items():
                archive.writestr(name, content)
        return tmp_path / "net.keras"

    return pack


def test_a_member_that_unpacks_to_far_more_than_the_net_has(packed):
    path = packed(lambda members: members.update({"model.weights.h5": bytes(4 * 10**7)}))
    assert path.stat().st_size < 10**6
    for load in (load_model, load_net):
        assert error_of(load, path) == (
            f"{path}: holds a model.weights.h5 of 40 MB, 33.6 MB at most are read: give a net saved with model.save"
        )
    path = packed(lambda members: members.update({"config.json": b" " * 4 * 10**7}))
    assert "holds a config.json of 40 MB, 33.6 MB at most are read" in error_of(load_net, path)


def test_a_member_twice_and_a_password(packed):
    path = packed(lambda members: None)
    with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("config.json", "{}")
    assert error_of(load_net, path) == f"{path}: holds config.json twice: give a net saved with model.save"
    path = packed(lambda members: None)
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02", 0, content.rindex(b"config.json")) + 8] |= 1  # of the central directory
    path.write_bytes(content)
    assert error_of(load_net, path) == f"{path}: is encrypted: unpack it, and pack it without a password"


def test_a_weight_that_lies_in_another_file(packed, tmp_path):
    (tmp_path / "private").write_bytes(b"secret" * 100)

    def change(members):
        weights = io.BytesIO(members["model.weights.h5"])
        with h5py.File(weights, "r+") as file:
            replace_first_weight(file, external=[(str(tmp_path / "private"), 0, 600)])
        members["model.weights.h5"] = weights.getvalue()

    assert "holds a dataset whose data lie in another file" in error_of(load_net, packed(change))


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_a_changed_byte_of_a_member(packed, name):
    path = packed(lambda members: None)
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo(name).header_offset + 30 + len(name)
    content = bytearray(path.read_bytes())
    content[start + 200] ^= 4
    path.write_bytes(content)
    assert error_of(load_net, path).startswith(f"{path}: cannot be read (")
