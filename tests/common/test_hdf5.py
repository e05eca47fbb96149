"""A walk through an HDF5 file, and a path in it, touch nothing that lies in other files."""

import h5py
import numpy as np
import pytest

from dcgan_tf.common.hdf5 import Refused, TooManyParts, part, walk


@pytest.fixture
def file(tmp_path):
    with h5py.File(tmp_path / "made.h5", "w") as file:
        file["a/b/w"] = np.arange(3)
        file["a/again"], file["a/b/up"] = file["a/b/w"], file["a"]
        file["type"] = np.dtype("f4")
        yield file


def test_a_walk_comes_upon_every_object_once_and_says_where_it_came_before(file):
    found = dict(walk(file, 100))
    assert sorted(found) == ["", "/a", "/a/again", "/a/b", "/a/b/up", "/a/b/w", "/type"]
    assert found["/a/b/up"] == "/a"
    weights = {"/a/again": found["/a/again"], "/a/b/w": found["/a/b/w"]}
    assert {type(thing) for thing in weights.values()} == {str, h5py.Dataset}
    assert isinstance(found["/type"], h5py.Datatype)


@pytest.mark.parametrize("at_most", [1, 3, 6])
def test_a_walk_ends_where_there_is_too_much(file, at_most):
    with pytest.raises(TooManyParts):
        list(walk(file, at_most))


def test_parts_by_their_path(file):
    assert part(file, "a/b/w")[()].tolist() == part(file, "/a//b/up/again/")[()].tolist() == [0, 1, 2]
    assert part(file, "a") == file["a"] and part(file, "") == file
    assert part(file["a"], "b/w") == file["a/b/w"]
    assert [part(file, path) for path in ("b", "a/c", "a/b/w/x", "..", "a/../a")] == [None] * 5


@pytest.mark.parametrize(
    ("link", "what"),
    [(h5py.SoftLink("/a"), "a soft link"), (h5py.ExternalLink("private.h5", "/a"), "a link to another file")],
)
def test_links_are_refused_wherever_they_are_on_the_way(file, link, what):
    file["a/b/link"] = link
    for touch in (lambda: list(walk(file, 100)), lambda: part(file, "a/b/link"), lambda: part(file, "a/b/link/b/w")):
        with pytest.raises(Refused) as refused:
            touch()
        assert (refused.value.path, refused.value.what) == ("/a/b/link", what)


def test_datasets_of_other_files_are_refused(file):
    file["a"].create_dataset("raw", [4], "f4", external=[("private", 0, 16)])
    layout = h5py.VirtualLayout((4,), "f4")
    layout[...] = h5py.VirtualSource("private.h5", "w", (4,))
    file.create_virtual_dataset("virtual", layout)
    for path in ("/a/raw", "/virtual"):
        with pytest.raises(Refused) as refused:
            part(file, path)
        assert refused.value.path == path
