import re

import pytest
from support.helpers import error_of

from dcgan_tf.common.backend import tf
from dcgan_tf.training.machine import devices
from dcgan_tf.training.machine.cluster import Cluster


@pytest.mark.parametrize("gpus, expected", [(0, ["CPU:0"]), (1, ["GPU:0"]), (2, ["GPU:0", "GPU:1"])])
def test_all_gpus_or_else_the_processor(monkeypatch, gpus, expected):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [f"{kind} {n}" for n in range(gpus)])
    assert devices.local_devices() == expected


def test_one_device_needs_no_strategy_of_its_own():
    strategy = devices.make_strategy(Cluster())
    assert strategy is tf.distribute.get_strategy() and strategy.num_replicas_in_sync == 1
    assert devices.sum_over_workers(strategy, 2.5) == 2.5


def test_float16_needs_a_gpu(monkeypatch):
    monkeypatch.setattr(devices, "local_devices", lambda: ["CPU:0"])
    assert error_of(devices.check_precision, "float16") == (
        "--precision float16: is for GPUs, and there is none here: give bfloat16 or float32"
    )
    assert devices.check_precision("float32") is None
    monkeypatch.setattr(devices, "local_devices", lambda: ["GPU:0"])
    assert devices.check_precision("float16") is None


def test_a_device_in_words(monkeypatch):
    assert re.fullmatch(r"CPU .+, [1-9]\d* threads", devices.describe_device())
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["a", "b"])
    names = {"a": {"device_name": "NVIDIA T4"}, "b": {}}
    monkeypatch.setattr(tf.config.experimental, "get_device_details", names.get)
    assert devices.describe_device() == "GPU NVIDIA T4, unknown"


def test_the_peak_of_memory_never_falls():
    before = devices.peak_memory()
    held = bytearray(50_000_000)
    held[::4096] = b"x" * len(held[::4096])
    after = devices.peak_memory()
    del held
    assert 50_000_000 < before <= after == devices.peak_memory()
