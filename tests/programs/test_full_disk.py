"""The Nth write of a short run fails, for every tenth N. `benchmarks.faults` does that below all libraries, for every N."""

import errno
import os
from itertools import cycle
from pathlib import Path

import numpy as np

from benchmarks.faults import promises
from benchmarks.faults.trials import leftovers
from dcgan_tf import cli


class Disk:
    """Counts what `common.files` asks of the system in order to write, and fails it from a certain one on."""

    def __init__(self, monkeypatch):
        self.count, self.fails_at, self.number = 0, None, 0
        for owner, name in ((os, "replace"), (os, "fsync"), (Path, "touch"), (Path, "mkdir")):
            monkeypatch.setattr(owner, name, self._counted(getattr(owner, name)))

    def begin(self, fails_at=None, number=0):
        self.count, self.fails_at, self.number = 0, fails_at, number

    def _counted(self, operation):
        def counted(path, *arguments, **options):
            self.count += 1
            if self._fails():
                raise OSError(self.number, os.strerror(self.number), str(path))
            return operation(path, *arguments, **options)

        return counted

    def _fails(self) -> bool:
        """A full disk stays full; a single operation may fail, and the next does not."""
        stays = self.number != errno.EIO
        return self.fails_at is not None and (self.count == self.fails_at or (stays and self.count > self.fails_at))


def test_the_nth_write_fails_and_the_run_goes_on_as_if_it_had_not(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("dcgan_tf.training.command.settle_xla", lambda gan, update, steps: 1.0)  # It takes two seconds.
    np.save(tmp_path / "x.npy", np.random.default_rng(0).integers(0, 256, [8, 8, 8], np.uint8))
    words = f"--data {tmp_path}/x.npy --preset mnist-mlp --image-size 8 --batch-size 8 --epochs 1 --precision float32"

    def train(name):
        code = cli.train_main([*words.split(), "--recipe", "tutorial", "--run-dir", str(tmp_path / name)])
        return code, capsys.readouterr()

    disk = Disk(monkeypatch)
    assert train("whole/run")[0] == 0
    writes = disk.count
    assert writes > 50
    faults = cycle((errno.ENOSPC, errno.EDQUOT, errno.EIO))
    refused = 0
    for at, number in zip(range(5, writes, 10), faults):
        disk.begin(at, number)
        code, printed = train("run")
        if code == 0:  # What could not be done reports only, such as the removal of what is old.
            assert number == errno.EIO
            continue
        refused += 1
        assert promises.printed(code, printed.err, "") is None
        assert ("no space left on the disk" in printed.err) == (number != errno.EIO)
        assert promises.whole(tmp_path / "run") is None
        assert leftovers(tmp_path / "run") == []
    assert refused >= 5
    disk.begin()
    assert train("run")[0] == 0
    expected = promises.contents(tmp_path / "whole" / "run", apart_from="config.json|log.jsonl|model_card.json")
    assert promises.difference(expected, tmp_path / "run", apart_from="config.json|log.jsonl|model_card.json") is None
