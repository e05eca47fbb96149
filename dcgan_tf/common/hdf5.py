"""What is safe to touch in an HDF5 file of a stranger: groups and datasets whose content lies in the file itself.

A part of an HDF5 file may lie in any other file of the machine: an external link, a dataset whose raw data are elsewhere,
a virtual dataset. Whoever reads such a part could pass the bytes of a private file on. So links and datasets are looked
at, without reading data, and refused where they lead out of the file.
"""

from collections.abc import Iterator

import h5py

_FOREIGN_LINKS = {h5py.h5l.TYPE_SOFT: "a soft link", h5py.h5l.TYPE_EXTERNAL: "a link to another file"}


class Refused(Exception):
    """A part of a file that is not touched: what it is, in words, and the path in the file at which it lies."""

    def __init__(self, path: str, what: str):
        super().__init__(f"{what} at {path}")
        self.path, self.what = path, what


class TooManyParts(Exception):
    """A file holds more groups and datasets than the caller allows."""


def walk(file: h5py.File, max_objects: int) -> Iterator[tuple[str, object]]:
    """Yields (path, what lies there) for all that is in a file, in no order: a group, a dataset, a named type, or the path
    by which the same object came before.

    Raises:
        Refused: a link or a dataset leads out of the file.
        TooManyParts: there are more than `max_objects`.
    """
    seen: dict = {}
    count, waiting = 0, [("", file)]
    while waiting:
        path, thing = waiting.pop()
        count += 1
        address = h5py.h5o.get_info(thing.id).addr
        if address in seen:  # An object may have several names, and a group may lie in itself.
            yield path, seen[address]
            continue
        seen[address] = path
        if count + len(waiting) > max_objects:
            raise TooManyParts
        if isinstance(thing, h5py.Dataset):
            check_dataset(path, thing)
        yield path, thing
        if isinstance(thing, h5py.Group):
            waiting += [(f"{path}/{name}", thing[name]) for name in _names(path, thing, max_objects)]


def part(group: h5py.Group, path: str):
    """Returns the group or dataset that `path`, such as "a/b", leads to from a group, or None where nothing is there.

    Raises:
        Refused: a link on the way, or the dataset itself, leads out of the file.
    """
    thing = group
    for name in filter(None, path.split("/")):
        encoded = name.encode("utf-8", "surrogateescape")
        if not isinstance(thing, h5py.Group) or not thing.id.links.exists(encoded):
            return None
        _check_link(f"{thing.name.rstrip('/')}/{name}", thing.id.links.get_info(encoded).type)
        thing = thing[name]
    if isinstance(thing, h5py.Dataset):
        check_dataset(thing.name, thing)
    return thing


def check_dataset(path: str, dataset: h5py.Dataset) -> None:
    """Raises `Refused` where the values of a dataset may lie in other files."""
    created = dataset.id.get_create_plist()
    if created.get_layout() == h5py.h5d.VIRTUAL:
        raise Refused(path, "a virtual dataset, put together from other files")
    if created.get_external_count():
        raise Refused(path, "a dataset whose data lie in another file")


def _names(path: str, group: h5py.Group, max_objects: int) -> list[str]:
    """The names of what lies in a group itself."""
    links: list[tuple[bytes, int]] = []

    def note(name, link):
        links.append((name, link.type))
        return True if len(links) > max_objects else None  # A value ends the iteration.

    group.id.links.iterate(note, info=True)
    for name, kind in links:
        _check_link(f"{path}/{name.decode('utf-8', 'replace')}", kind)
    return [name.decode("utf-8", "surrogateescape") for name, _ in links]


def _check_link(path: str, kind: int) -> None:
    if kind != h5py.h5l.TYPE_HARD:
        raise Refused(path, _FOREIGN_LINKS.get(kind, "a link of a kind of its own"))
