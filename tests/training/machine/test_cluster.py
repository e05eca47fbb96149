"""What TF_CONFIG may say; and real workers on this machine, each a process, as on a cluster."""

import json
import signal
import time

import numpy as np
import pytest
from support import helpers
from support.bare_runs import BARE
from support.programs import Program

from dcgan_tf.nets.saved import load_model
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.training.machine.cluster import Cluster, from_environment

EXAMPLE = 'set it like {"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'
HOSTS = ["a:1", "b:2"]


def config_of(jobs, kind="worker", index=0, **more):
    return json.dumps({"cluster": jobs, "task": {"type": kind, "index": index}, **more})


# ---------------------------------------------------------------------------------------------- TF_CONFIG


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", Cluster()),
        ("{}", Cluster()),
        (config_of({"worker": ["a:1"]}), Cluster()),
        (config_of({"worker": HOSTS}, index=1), Cluster(("a:1", "b:2"), ("worker 0", "worker 1"), 1)),
        (
            config_of({"worker": HOSTS, "chief": ["c:3"]}, index=1, environment="cloud"),
            Cluster(("c:3", "a:1", "b:2"), ("chief", "worker 0", "worker 1"), 2),
        ),
        (config_of({"worker": ["a:1"], "chief": ["c:3"]}, "chief"), Cluster(("c:3", "a:1"), ("chief", "worker 0"))),
    ],
)
def test_what_tf_config_describes(monkeypatch, text, expected):
    monkeypatch.setenv("TF_CONFIG", text)
    assert from_environment() == expected
    assert expected.is_chief == (expected.index == 0)


@pytest.mark.parametrize(
    "text, message",
    [
        ("{", f"is not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1)): {EXAMPLE}"),
        ("[]", f"is not an object: {EXAMPLE}"),
        (config_of(["a:1"]), f'"cluster" is not an object: {EXAMPLE}'),
        (config_of({"worker": "a:1"}), f'"worker" is not a list of addresses: {EXAMPLE}'),
        (config_of({"worker": ["a", "b:2"]}), '"a" is not an address: give host:port, like host0:2222'),
        (config_of({"worker": ["a:70000", "b:2"]}), '"a:70000" is not an address: give host:port, like host0:2222'),
        (config_of({"worker": ["a:1", "a:1"]}), "names a:1 twice: give every worker an address of its own"),
        (
            config_of({"worker": HOSTS, "ps": ["c:3"]}),
            "has tasks of type ps: only chief and worker take part in training; leave the others out",
        ),
        (
            config_of({"chief": HOSTS}, "chief"),
            "has more than one chief: leave one of them and make workers of the others",
        ),
        (
            json.dumps({"cluster": {"worker": HOSTS}}),
            f'has no "task", which says which of the workers this one is: {EXAMPLE}',
        ),
        (config_of({"worker": HOSTS}, "evaluator"), '"task" is of type evaluator: must be chief or worker'),
        (
            config_of({"worker": HOSTS}, index=2),
            '"task" is worker 2, but "cluster" has worker 0, worker 1: name one of them',
        ),
        ("[" * 100_000, f"is not JSON (it is nested too deeply): {EXAMPLE}"),
        (
            '{"cluster": {"worker": ["a:1"], "worker": ["b:2"]}}',
            f"is not JSON (worker is there twice): {EXAMPLE}",
        ),
        (
            config_of({"\x1b[2J\n" + "x" * 1000: []}),
            "has tasks of type \\x1b[2J\\n"
            + "x" * 75
            + "...: only chief and worker take part in training; leave the others out",
        ),
        (
            config_of({"worker": ["\x1b[2Ja:1", "b:2"]}),
            '"\\u001b[2Ja:1" is not an address: give host:port, like host0:2222',
        ),
        (config_of({"worker": ["a:1\0", "b:2"]}), '"a:1\\u0000" is not an address: give host:port, like host0:2222'),
        (
            config_of({"worker": ["a:٢٢", "b:2"]}),
            '"a:\\u0662\\u0662" is not an address: give host:port, like host0:2222',
        ),
        (config_of({"worker": ["a:022", "b:2"]}), '"a:022" is not an address: give host:port, like host0:2222'),
        (config_of({"worker": [["a:1"], "b:2"]}), "a list is not an address: give host:port, like host0:2222"),
        (config_of({"worker": [None, "b:2"]}), "null is not an address: give host:port, like host0:2222"),
        (config_of({"worker": HOSTS}, {"a": 1}), '"task" is of type an object: must be chief or worker'),
        (config_of({"worker": HOSTS}, "\x1b[2J"), '"task" is of type \\x1b[2J: must be chief or worker'),
        *(
            (
                config_of({"worker": HOSTS}, index=index),
                f'"task" is worker {shown}, but "cluster" has worker 0, worker 1: name one of them',
            )
            for index, shown in (
                (True, "true"),
                (1.0, "1.0"),
                (2**70, 2**70),
                (-1, -1),
                ([1], "a list"),
                ("1\x1b", "1\\x1b"),
                (None, "null"),
            )
        ),
        (
            config_of({"worker": [f"a:{port}" for port in range(1, 20_001)]}, index=20_000),
            '"task" is worker 20000, but "cluster" has worker 0 to worker 19999: name one of them',
        ),
    ],
)
def test_a_tf_config_that_cannot_be_used(monkeypatch, text, message):
    monkeypatch.setenv("TF_CONFIG", text)
    assert helpers.error_of(from_environment) == f"TF_CONFIG: {message}"


# ---------------------------------------------------------------------------------------------- real processes


class Workers:
    """The processes of one cluster, as started by the same command; `flags` of one may be others."""

    def __init__(self, count, *flags, other=None, tf_configs=None, before="", addresses=None):
        self.addresses = addresses or [f"127.0.0.1:{port}" for port in helpers.free_ports(count)]
        self.processes = []
        for index in range(count):
            text = (tf_configs or {}).get(index, config_of({"worker": self.addresses}, index=index))
            arguments = [*flags, *(other or {}).get(index, [])]
            self.processes.append(Program("train_main", *arguments, env={"TF_CONFIG": text}, before=before))

    def results(self, seconds=120):
        """(exit code, standard output, standard error) of each."""
        results = []
        try:
            for process in self.processes:
                out, err = process.communicate(timeout=seconds)
                results.append((process.poll(), out, err))
        finally:
            for process in self.processes:
                process.kill()
        return results


def flags(squares, run_dir, *more):
    return [
        "--data", squares, "--run-dir", run_dir, "--preset", "mnist-mlp", "--image-size", 8, 8, "--batch-size", 18,
        "--epochs", 3, "--precision", "float32", "--evaluate-every", 0, "--recipe", "tutorial", *more,
    ]  # fmt: skip


def log(run_dir):
    lines = [json.loads(line) for line in (run_dir / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "images_per_sec"} for line in lines]


def weights(run_dir, epoch=3):
    nets = [load_model(run_dir / f"epoch{epoch}_{net}model.h5") for net in "GD"]
    return [weight for net in nets for weight in net.get_weights()]


def state(run_dir):
    from dcgan_tf.common.backend import tf

    reader = tf.train.load_checkpoint(str(run_dir / "state" / str(RunFolder(run_dir).saved_steps()[-1]) / "variables"))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map() if "GRAPH" not in name}


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def runs(squares, tmp_path_factory):
    """The same run by 1, 2 and 3 workers: {count: (run folder, results)}.

    The last batch of an epoch has 8 of the 44 images: unequal shares of 2, 3 and 3.
    """
    folder, once = tmp_path_factory.mktemp("runs"), ["--save-every", 3, "--sample-every", 3]
    return {
        count: (
            folder / str(count),
            Workers(count, *flags(squares, folder / str(count), *once), before=before).results(),
        )
        for count, before in ((1, BARE), (2, ""), (3, BARE))
    }


def test_workers_together_are_one(runs):
    for count, (run_dir, results) in runs.items():
        assert [(code, err) for code, _, err in results] == [(0, "")] * count
        assert [bool(out) for _, out, _ in results] == [True] + [False] * (count - 1)
        assert (f"; {count} workers like this one\n" in results[0][1]) == (count > 1)
        alone = runs[1][0]
        assert [line["step"] for line in log(run_dir)] == [1, 3, 6, 9]
        for line, expected in zip(log(run_dir), log(alone)):
            assert list(line) == list(expected)
            assert list(line.values()) == pytest.approx(list(expected.values()), abs=1e-4)
        for weight, expected in zip(weights(run_dir), weights(alone)):
            assert np.allclose(weight, expected, rtol=0, atol=1e-3)


def wait_for(path, processes, seconds=120):
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert not any(process.poll() for process in processes) and time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.01)


# A step takes so long that the others are surely waiting in one.
SLOW = """
import time
from dcgan_tf.training import trainer
update = trainer.Trainer.update
trainer.Trainer.update = lambda *arguments: (time.sleep(0.2), update(*arguments))[1]
"""


def test_a_killed_chief_ends_the_job_and_the_job_goes_on_exactly(runs, squares, tmp_path):
    run_dir, victim = tmp_path / "run", 0
    workers = Workers(2, *flags(squares, run_dir), before=BARE + SLOW)
    wait_for(run_dir / "state" / "3", workers.processes)
    workers.processes[victim].kill()
    started = time.monotonic()
    results = workers.results()
    assert time.monotonic() - started < 30
    assert results[victim][0] == -signal.SIGKILL
    code, _, err = results[1 - victim]
    assert (code, err) == (
        138,
        f"error: worker {victim} ({workers.addresses[victim]}) was lost: start all workers with the same command again, "
        f"and the run goes on from {run_dir}\n",
    )
    again = Workers(2, *flags(squares, run_dir), before=BARE)
    assert [(code, err) for code, _, err in again.results()] == [(0, "")] * 2
    assert same(state(run_dir), state(runs[2][0]))
    assert log(run_dir) == log(runs[2][0])


def test_a_signal_to_one_worker_stops_all_after_a_checkpoint(squares, tmp_path):
    seldom = ["--epochs", 4000, "--sample-every", 1000, "--save-every", 1000]
    workers = Workers(2, *flags(squares, tmp_path, *seldom), before=BARE)
    wait_for(tmp_path / "log.jsonl", workers.processes)
    time.sleep(1)
    workers.processes[1].send_signal(signal.SIGTERM)
    assert [(code, err) for code, _, err in workers.results()] == [(143, "")] * 2
    assert len(RunFolder(tmp_path).saved_steps()) == 1


def test_other_settings_are_named_where_they_differ_and_nobody_hangs(squares, tmp_path):
    workers = Workers(3, *flags(squares, tmp_path / "run"), other={2: ["--seed", 5]})
    assert workers.results() == [
        (2, "", f"error: worker 2 ({workers.addresses[2]}) was started with other settings; its own message says which\n"),
        (2, "", f"error: worker 2 ({workers.addresses[2]}) was started with other settings; its own message says which\n"),
        (
            2, "",
            f"error: worker 2 ({workers.addresses[2]}) here and worker 0 ({workers.addresses[0]}) there were started "
            "with other settings: --seed 0 there, 5 here: give all workers the same command and the same files\n",
        ),
    ]  # fmt: skip
    assert [path.name for path in (tmp_path / "run").iterdir()] == [".lock"]


def test_a_worker_that_cannot_start_says_so_to_the_others(squares, tmp_path):
    index = 1
    workers = Workers(2, *flags(squares, tmp_path / "run"), other={index: ["--data", "nothing.npy"]})
    results = workers.results()
    assert [code for code, _, _ in results] == [2, 2]
    assert results[index][2].startswith("error: --data 'nothing.npy': no such file or folder")
    assert results[1 - index][2] == (
        f"error: worker {index} ({workers.addresses[index]}) could not start; its own message says why\n"
    )
    assert not (tmp_path / "run" / "config.json").exists()


def test_a_batch_that_cannot_be_shared(squares, tmp_path):
    results = Workers(2, *flags(squares, tmp_path / "run", "--batch-size", 15)).results()
    message = "--batch-size 15: does not divide among 2 devices: give a multiple of 2, such as 14"
    assert results == [(2, "", f"error: {message}\n")] * 2
    assert not (tmp_path / "run").exists()


# Two devices that TensorFlow makes of the processor, as it would have two GPUs.
TWO_DEVICES = """
from dcgan_tf.training import command
from dcgan_tf.training.machine import devices
from dcgan_tf.common.backend import tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
devices.local_devices = command.local_devices = lambda: ["CPU:0", "CPU:1"]
"""


def test_several_devices_of_one_machine(runs, squares, tmp_path):
    (result,) = Workers(1, *flags(squares, tmp_path, "--save-every", 3), before=BARE + TWO_DEVICES).results()
    assert (result[0], result[2]) == (0, "")
    for weight, expected in zip(weights(tmp_path), weights(runs[1][0])):
        assert np.allclose(weight, expected, rtol=0, atol=1e-3)


def test_all_devices_hold_the_same_values_also_of_batch_normalization(squares, tmp_path):
    check = """
from dcgan_tf.training import recorder
close = recorder.Recorder.close
def compare(recorder):
    close(recorder)
    for variables in recorder._trainer.gan.variables().values():
        for variable in variables:
            one, two = (value.numpy() for value in variable.values)
            assert (one == two).all(), variable.name
    print("all the same")
recorder.Recorder.close = compare
"""
    # Dropout, too, and loss scaling; a net of few layers, whose step is traced sooner.
    bn = ["--preset", "paints200", "--image-size", 4, 4, "--max-steps", 3, "--precision", "float16"]
    (result,) = Workers(1, *flags(squares, tmp_path, *bn), before=BARE + TWO_DEVICES + check).results()
    assert (result[0], result[2]) == (0, "")
    assert "all the same\n" in result[1]


# Worse pictures after epoch 2, twice; and, on the way from there, losses that are not numbers.
LOST = """
from dcgan_tf.generators import quality
from dcgan_tf.training import trainer
swds = [90.0, 40.0, 70.0, 71.0, 30.0, 31.0, 32.0]
quality.Quality.scores = lambda self: {"swd": swds.pop(0)}
quality.Quality.diversity = lambda self: 0.9
quality.Quality.of_reals = {"swd_of_real_images": 20.0}
updates, update = [0], trainer.Trainer.update
def poisoned(self, *arguments):
    updates[0] += 1
    metrics = update(self, *arguments)
    return metrics | {"d_loss": metrics["d_loss"] * float("nan")} if updates[0] == 18 else metrics
trainer.Trainer.update = poisoned
"""


def test_all_go_back_together(squares, tmp_path):
    goes_back = [
        "--on-collapse", "rollback", "--evaluate-every", 1, "--epochs", 5, "--save-every", 5, "--sample-every", 5,
    ]  # fmt: skip
    for name, count, before in (("two", 2, ""), ("devices", 1, TWO_DEVICES)):
        workers = Workers(count, *flags(squares, tmp_path / name, *goes_back), before=BARE + before + LOST)
        assert [(code, err) for code, _, err in workers.results()] == [(0, "")] * count
        done = json.loads((tmp_path / name / "rollbacks.json").read_text())
        assert [(one["from_step"], one["to_step"], one["reason"]) for one in done] == [
            (12, 6, "the pictures have become worse: their SWD was 40.0 after epoch 2, and is 71.0"),
            (12, 9, "the losses became NaN between steps 10 and 12"),
        ]
        for weight, expected in zip(weights(tmp_path / name, 5), weights(tmp_path / "two", 5), strict=True):
            assert np.allclose(weight, expected, rtol=0, atol=1e-3)
