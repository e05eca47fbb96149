import base64
import json
import re
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
import yaml
from google.protobuf import text_format
from support.helpers import error_of
from support.model_server import SERVERS, batching_parameters_class, binary_of, free_ports, serving
from support.scripts import run_here
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_log_pb2,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.config import model_server_config_pb2

from dcgan_tf.common.backend import tf
from dcgan_tf.export.serving import (
    COMPANIONS,
    Batching,
    batching,
    kept_batch_size,
    kubernetes_name,
    measure,
    write_companions,
    write_warmup,
)

SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256]
# Waits long enough that requests sent at the same time meet.
FIGURES = Batching(64, (1, 8, 64), 200_000, 0.0123456, 0.5)
VERSION = 100
TWENTY = ", ".join(f"kind {n}" for n in range(20))


def times(formula, sizes=SIZES) -> dict[int, float]:
    return {size: formula(size) for size in sizes}


# --- measuring and the figures made of it


@pytest.mark.parametrize(
    ("seconds_of", "sizes"),
    [
        (lambda size: size * 0.001, SIZES),
        (lambda size: size * 0.0156, SIZES[:8]),  # 64 take 0.9984 s, 128 about 2 s
        (lambda size: size * 0.0157, SIZES[:7]),  # 64 take 1.0048 s
        (lambda size: size * 1.0, SIZES[:7]),
    ],
)
def test_measures_sizes_up_to_64_and_more_where_batches_take_a_second_at_most(monkeypatch, seconds_of, sizes):
    clock, calls = [0.0], []

    def run(size):
        calls.append(size)
        # The first call of a size is slow, and so is one of the other three.
        clock[0] += seconds_of(size) * [50, 1, 9, 1][calls.count(size) - 1]

    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    assert measure(run) == pytest.approx(times(seconds_of, sizes), rel=1e-6)
    assert calls == [size for size in sizes for _ in range(4)]


@pytest.mark.parametrize(
    ("seconds", "largest", "allowed", "timeout"),
    [
        # Twice the images, twice the time: merging gains nothing, and padding costs.
        (times(lambda size: 0.01 * size), 64, (1, 2, 4, 8, 16, 32, 64), 0),
        # 128: 561 images/s after 390; 256: 719. 8 takes 108 ms, over nine tenths of the 116 ms of 16.
        (times(lambda size: 0.1 + 0.001 * size), 256, (4, 16, 32, 64, 128, 256), 10_000),
        # Half of 2.1 ms; 2.2 ms of two images are over nine tenths of 2.4, but 2.1 of one are not.
        (times(lambda size: 0.002 + 0.0001 * size), 128, (1, 4, 8, 16, 32, 64, 128), 1050),
        # As fast for 64 as for one: one size will do.
        (times(lambda size: 0.004, SIZES[:7]), 64, (64,), 2000),
        # 128 would be much faster per image, but takes over a second.
        (times(lambda size: 0.9, SIZES[:7]) | {128: 1.001}, 64, (64,), 10_000),
        (times(lambda size: 0.9, SIZES[:7]) | {128: 1.0}, 128, (128,), 10_000),
        # 256: 9% more than 128 are not worth it, 10% are.
        (times(lambda size: 0.01, SIZES[:8]) | {256: 0.02 / 1.09}, 128, (128,), 5000),
        (times(lambda size: 0.01, SIZES[:8]) | {256: 0.02 / 1.11}, 256, (128, 256), 5000),
        # Slower than a second already: 64 all the same.
        (times(lambda size: 0.5 * size, SIZES[:7]), 64, (1, 2, 4, 8, 16, 32, 64), 0),
        # Best at 8, 1.5 times the images of one at a time; at 64 no gain is left.
        ({1: 0.01, 2: 0.016, 4: 0.03, 8: 0.08 / 1.51, 16: 0.14, 32: 0.3, 64: 0.64}, 64, (1, 2, 4, 8, 16, 32, 64), 5000),
        ({1: 0.01, 2: 0.016, 4: 0.03, 8: 0.08 / 1.49, 16: 0.14, 32: 0.3, 64: 0.64}, 64, (1, 2, 4, 8, 16, 32, 64), 0),
    ],
)
def test_batching_figures(seconds, largest, allowed, timeout):
    found = batching(seconds)
    assert (found.max_batch_size, found.allowed_batch_sizes, found.batch_timeout_micros) == (largest, allowed, timeout)
    assert (found.seconds_of_one, found.seconds_of_max) == (seconds[1], seconds[largest])
    assert found.max_enqueued_batches == 100


# --- the files beside the versions


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    assert write_companions(folder, "My_paints-200", FIGURES) == []
    return folder


def test_writes_the_companions_and_nothing_else(written):
    assert {path.name for path in written.iterdir()} == set(COMPANIONS)
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o444 for path in written.iterdir())
    for path in written.iterdir():
        text = path.read_text()
        assert text.endswith("\n") and not text.endswith("\n\n")
        assert max(map(len, text.splitlines())) <= 120, path
        assert not re.search(r"\$(?!\{TF_SERVING_IMAGE:-)", text), path  # nothing left to fill in


def test_models_config_is_a_model_server_config(written):
    config = text_format.Parse((written / "models.config").read_text(), model_server_config_pb2.ModelServerConfig())
    (model,) = config.model_config_list.config
    assert (model.name, model.base_path, model.model_platform) == (
        "My_paints-200",
        "/models/My_paints-200",
        "tensorflow",
    )
    assert not model.HasField("model_version_policy")  # the newest


def test_the_policies_in_the_comments_of_models_config_can_be_taken_out_of_them(written):
    text = (written / "models.config").read_text()
    policies = re.findall(r"model_version_policy \{.*\}", text)
    parsed = [text_format.Parse(policy, model_server_config_pb2.ModelConfig()) for policy in policies]
    assert list(parsed[0].model_version_policy.specific.versions) == [VERSION]
    assert parsed[1].model_version_policy.latest.num_versions == 2


def test_batching_config_is_a_batching_parameters_message(written):
    text = (written / "batching.config").read_text()
    parameters = text_format.Parse(text, batching_parameters_class()())
    assert parameters.max_batch_size.value == 64
    assert list(parameters.allowed_batch_sizes) == [1, 8, 64]
    assert parameters.batch_timeout_micros.value == 200_000
    assert parameters.max_enqueued_batches.value == 100
    assert not parameters.HasField("num_batch_threads")
    assert "1 image takes 12.3 ms, 64 take 500 ms" in text


def test_docker_compose_mounts_the_folder_where_its_flags_look(written):
    (server,) = yaml.safe_load((written / "docker-compose.yml").read_text())["services"].values()
    assert server["image"] == "${TF_SERVING_IMAGE:-tensorflow/serving:2.20.0}"
    mount = {"type": "bind", "source": ".", "target": "/models/My_paints-200", "read_only": True}
    assert server["volumes"] == [mount]
    assert server["command"] == [
        "--model_config_file=/models/My_paints-200/models.config",
        "--model_config_file_poll_wait_seconds=60",
        "--enable_batching=true",
        "--batching_parameters_file=/models/My_paints-200/batching.config",
    ]
    assert server["ports"] == ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]
    assert server["init"] is True and server["restart"] == "unless-stopped"
    assert server["healthcheck"]["test"][:3] == ["CMD", "bash", "-c"]


def test_kubernetes_objects_fit_together(written):
    objects = {each["kind"]: each for each in yaml.safe_load_all((written / "kubernetes.yaml").read_text())}
    assert list(objects) == ["ConfigMap", "PersistentVolumeClaim", "Deployment", "Service"]
    assert objects["ConfigMap"]["data"] == {
        name: (written / name).read_text() for name in ("models.config", "batching.config")
    }
    pod = objects["Deployment"]["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    assert set(mounts) == set(volumes) == {"versions", "config", "tmp"}
    assert (mounts["versions"]["mountPath"], mounts["versions"]["readOnly"]) == ("/models/My_paints-200", True)
    assert volumes["config"]["configMap"]["name"] == objects["ConfigMap"]["metadata"]["name"] == "my-paints-200-config"
    claim = volumes["versions"]["persistentVolumeClaim"]["claimName"]
    assert claim == objects["PersistentVolumeClaim"]["metadata"]["name"] == "my-paints-200-versions"
    assert container["args"] == [
        "--model_config_file=/config/models.config",
        "--model_config_file_poll_wait_seconds=60",
        "--enable_batching=true",
        "--batching_parameters_file=/config/batching.config",
    ]
    assert container["readinessProbe"]["httpGet"] == {"path": "/v1/models/My_paints-200/metadata", "port": "rest"}
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"grpc": 8500, "rest": 8501}
    service = objects["Service"]["spec"]
    assert service["ports"] == [{"name": n, "port": p, "targetPort": n} for n, p in ports.items()]
    labels = pod["metadata"]["labels"]
    assert service["selector"] == objects["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert objects["Service"]["metadata"]["name"] == "my-paints-200"


@pytest.mark.parametrize(
    ("model_name", "name"),
    [
        ("paints200", "paints200"),
        ("My_Paints-200", "my-paints-200"),
        ("200paints", "model-200paints"),
        ("_x_", "x"),
        ("___", "model"),
        ("a" * 62 + "-" + "b", "a" * 62),
        ("7" * 80, "model-" + "7" * 57),
    ],
)
def test_kubernetes_names(model_name, name):
    assert kubernetes_name(model_name) == name
    assert re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", name)


@pytest.mark.parametrize("model_name", ["true", "no", "1e3", "007", "-x", "_", "A" * 90])
def test_unusual_names_stay_names_in_every_file(tmp_path, model_name):
    write_companions(tmp_path, model_name, FIGURES)
    config = text_format.Parse((tmp_path / "models.config").read_text(), model_server_config_pb2.ModelServerConfig())
    assert config.model_config_list.config[0].name == model_name
    (server,) = yaml.safe_load((tmp_path / "docker-compose.yml").read_text())["services"].values()
    assert server["volumes"][0]["target"] == f"/models/{model_name}"
    for each in yaml.safe_load_all((tmp_path / "kubernetes.yaml").read_text()):
        assert each["metadata"]["name"].startswith(kubernetes_name(model_name))
    for client in ("client.py", "client_grpc.py"):
        compile((tmp_path / client).read_text(), client, "exec")
        assert f'MODEL = "{model_name}"' in (tmp_path / client).read_text()


@pytest.mark.parametrize(
    ("classes", "names", "label", "words"),
    [
        (0, (), "1", "it draws no classes: leave this out"),
        (3, (), "3", "give a number from 0 to 2"),
        (3, (), "cat", "give a number from 0 to 2"),
        (2, ('"""', "\\"), "2", 'give a number from 0 to 1, or one of """, \\'),
        (25, [f"kind {n}" for n in range(25)], "kind 25", f"give a number from 0 to 24, or one of {TWENTY}, ..."),
    ],
    ids=["none", "no such number", "no names", "odd names", "many"],
)
def test_clients_say_which_classes_there_are(tmp_path, classes, names, label, words):
    write_companions(tmp_path, "x", FIGURES, classes, names)
    for client in ("client.py", "client_grpc.py"):
        done = run_here(tmp_path / client, "1", "--labels", label, cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"error: --labels {label}: {words}\n")
        assert max(map(len, (tmp_path / client).read_text().splitlines())) <= 120


def test_files_that_are_there_stay_as_they_are(tmp_path):
    mine = {"client.py": b"mine\xff", "batching.config": b"\n  max_batch_size { value: 8 }  # mine\n\n"}
    for name, content in mine.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "docker-compose.yml").symlink_to("nowhere.yml")
    assert write_companions(tmp_path, "x", FIGURES) == ["batching.config", "docker-compose.yml", "client.py"]
    assert {name: (tmp_path / name).read_bytes() for name in mine} == mine
    assert not (tmp_path / "nowhere.yml").exists()
    assert {path.name for path in tmp_path.iterdir()} == set(COMPANIONS)
    # What Kubernetes is given is what lies here.
    (config, *_) = yaml.safe_load_all((tmp_path / "kubernetes.yaml").read_text())
    assert config["data"]["batching.config"] == "\n  max_batch_size { value: 8 }  # mine\n"
    assert write_companions(tmp_path, "x", None) == list(COMPANIONS)


def test_needs_no_figures_where_a_batching_config_is_there(tmp_path):
    (tmp_path / "batching.config").write_text("max_batch_size { value: 8 }\n")
    assert write_companions(tmp_path, "x", None) == ["batching.config"]
    assert {path.name for path in tmp_path.iterdir()} == set(COMPANIONS)


def test_a_config_that_cannot_be_read_is_one_line(tmp_path):
    (tmp_path / "models.config").write_bytes(b"\xff")
    message = error_of(write_companions, tmp_path, "x", FIGURES)
    assert message == (
        f"{tmp_path}/models.config: cannot be read (not UTF-8 text): mend it, or delete it to have it written again"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["models.config"]


@pytest.mark.parametrize(
    "text",
    [
        "max_batch_size { value: 32 }",
        "# max_batch_size { value: 64 }\nmax_batch_size: {\n  value : 32\n}",
        "allowed_batch_sizes: 32 max_batch_size<value:32>",
        "max_execution_batch_size { value: 8 }\nmax_batch_size { value: 32 } # max_batch_size { value: 8 }",
    ],
)
def test_the_batch_size_of_a_config_that_is_there(tmp_path, text):
    (tmp_path / "batching.config").write_text(text)
    assert kept_batch_size(tmp_path) == 32


def test_the_batch_size_of_the_config_that_is_written(tmp_path):
    assert kept_batch_size(tmp_path) is None
    write_companions(tmp_path, "x", FIGURES)
    assert kept_batch_size(tmp_path) == 64


@pytest.mark.parametrize("text", ["", "# max_batch_size { value: 64 }", "max_batch_size { value: 0 }"])
def test_a_batching_config_without_a_batch_size_is_one_line(tmp_path, text):
    (tmp_path / "batching.config").write_text(text)
    assert error_of(kept_batch_size, tmp_path) == (
        f"{tmp_path}/batching.config: no max_batch_size {{ value: ... }} of 1 or more: "
        "add it, or delete the file to have it written again"
    )


def test_a_batching_config_that_cannot_be_read_is_one_line(tmp_path):
    (tmp_path / "batching.config").mkdir()
    assert error_of(kept_batch_size, tmp_path) == (
        f"{tmp_path}/batching.config: cannot be read (Is a directory): mend it, or delete it to have it written again"
    )


def test_warm_up_requests_read_back(tmp_path):
    batches = [
        {"latents": np.arange(3, dtype=np.float32).reshape(1, 3)},
        {"latents": np.ones([64, 3], np.float32), "labels": np.arange(64, dtype=np.int32)},
    ]
    write_warmup(tmp_path / "1", "paints200", batches)
    (file,) = (tmp_path / "1" / "assets.extra").iterdir()
    assert file.name == "tf_serving_warmup_requests"
    records = list(tf.data.TFRecordDataset(str(file)).as_numpy_iterator())
    logs = [prediction_log_pb2.PredictionLog.FromString(record) for record in records]
    assert [log.WhichOneof("log_type") for log in logs] == ["predict_log", "predict_log"]
    for log, inputs in zip(logs, batches):
        request = log.predict_log.request
        assert (request.model_spec.name, request.model_spec.signature_name) == ("paints200", "serving_default")
        assert set(request.inputs) == set(inputs)
        for name, values in inputs.items():
            found = tf.make_ndarray(request.inputs[name])
            assert found.dtype == values.dtype
            np.testing.assert_array_equal(found, values)


# --- asking a server


def save_model(folder: Path, brightness: float = 1.0) -> None:
    """A SavedModel with the signatures of an export: latents [N, 3] to images [N, 4, 5, 3] by one matrix."""
    module = tf.Module()
    module.weights = tf.Variable(np.linspace(-brightness, brightness, 180).reshape(3, 60), dtype=tf.float32)

    def pictures(latents):
        levels = tf.round(tf.matmul(latents, module.weights) * 127.5 + 127.5)
        return tf.reshape(tf.cast(tf.clip_by_value(levels, 0, 255), tf.uint8), [-1, 4, 5, 3])

    def latents_of(seeds):
        return tf.cast(seeds[:, tf.newaxis] * [1, 2, 3] % 11, tf.float32) / 10

    def generate(seeds):
        latents = latents_of(seeds)
        return {"images": pictures(latents), "latents": latents}

    def between(seeds_a, seeds_b, t):
        t = t[:, tf.newaxis]
        return {"images": pictures((1 - t) * latents_of(seeds_a) + t * latents_of(seeds_b))}

    def signature(function, **inputs):
        specs = [tf.TensorSpec([None, *shape], dtype, name) for name, (dtype, *shape) in inputs.items()]
        return tf.function(function, input_signature=specs)

    signatures = {
        "serving_default": signature(lambda latents: {"images": pictures(latents)}, latents=(tf.float32, 3)),
        "generate": signature(generate, seeds=(tf.int32,)),
        "generate_png": signature(
            lambda seeds: {"image_bytes": tf.io.encode_png(generate(seeds)["images"])}, seeds=(tf.int32,)
        ),
        "interpolate": signature(between, seeds_a=(tf.int32,), seeds_b=(tf.int32,), t=(tf.float32,)),
        "score": signature(
            lambda images: {"logits": tf.reduce_mean(tf.cast(images, tf.float32), [1, 2, 3])[:, tf.newaxis]},
            images=(tf.uint8, 4, 5, 3),
        ),
    }
    module.signature_functions = signatures
    tf.saved_model.save(module, str(folder), signatures=signatures)


def latents_of(seeds) -> np.ndarray:
    return (np.multiply.outer(seeds, [1, 2, 3]) % 11).astype(np.float32) / 10


def pictures(latents) -> np.ndarray:
    """What save_model's net makes of latents, by NumPy."""
    weights = np.linspace(-1, 1, 180).reshape(3, 60).astype(np.float32)
    return np.clip(np.round(latents @ weights * 127.5 + 127.5), 0, 255).astype(np.uint8).reshape(-1, 4, 5, 3)


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    """A folder as an export leaves it."""
    folder = tmp_path_factory.mktemp("serving") / "tiny"
    save_model(folder / str(VERSION))
    write_warmup(folder / str(VERSION), "tiny", [{"latents": np.zeros([size, 3], np.float32)} for size in (1, 64)])
    write_companions(folder, "tiny", FIGURES)
    return folder


@pytest.fixture(scope="module", params=SERVERS)
def server(request, exported, tmp_path_factory):
    """The export served, by the stand-in and, where TF_MODEL_SERVER names it, by the real tensorflow_model_server."""
    with serving(exported, "tiny", tmp_path_factory.mktemp("server"), binary_of(request.param)) as running:
        yield running


def post(server, body, path="/v1/models/tiny:predict") -> dict:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with urllib.request.urlopen(f"http://localhost:{server.rest_port}{path}", data, timeout=60) as answer:
        return json.load(answer)


def refusal(server, body, path="/v1/models/tiny:predict") -> tuple[int, str]:
    with pytest.raises(urllib.error.HTTPError) as raised:
        post(server, body, path)
    return raised.value.code, json.load(raised.value)["error"]


def client(folder: Path, name: str, cwd: Path, *arguments) -> subprocess.CompletedProcess:
    """client.py in a process of its own, as users start it. That of client_grpc.py would import TensorFlow anew."""
    if name == "client_grpc.py":
        return run_here(folder / name, *arguments, cwd=cwd)
    command = [sys.executable, str(folder / name), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)


def pixels(png: bytes) -> np.ndarray:
    return tf.io.decode_png(png).numpy()


@pytest.mark.parametrize(("name", "port"), [("client.py", "rest_port"), ("client_grpc.py", "port")])
def test_clients_write_the_pictures_of_seeds(exported, server, tmp_path, name, port):
    done = client(exported, name, tmp_path, "--port", getattr(server, port), 1, 12345, -3)
    assert (done.returncode, done.stdout) == (0, "seed0001.png\nseed12345.png\nseed-003.png\n"), done.stderr
    for seed, file in [(1, "seed0001.png"), (12345, "seed12345.png"), (-3, "seed-003.png")]:
        np.testing.assert_array_equal(pixels((tmp_path / file).read_bytes()), pictures(latents_of([seed]))[0])


@pytest.mark.parametrize(
    ("name", "port", "too_many", "too_large"),
    [
        (
            "client.py",
            "rest_port",
            r"error: http://localhost:\d+/v1/models/tiny:predict: 400: .*Task size 65 .*\n",
            "400",
        ),
        ("client_grpc.py", "port", r"error: localhost:\d+: INVALID_ARGUMENT: .*Task size 65 .*\n", "int32"),
    ],
)
def test_clients_say_in_a_line_what_the_server_says(exported, server, tmp_path, name, port, too_many, too_large):
    done = run_here(exported / name, "--port", getattr(server, port), *range(65), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(too_many, done.stderr)
    done = run_here(exported / name, "--port", getattr(server, port), 2**31, cwd=tmp_path)
    assert done.returncode == 1 and re.fullmatch(rf"error: .*{too_large}.*\n", done.stderr)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("client.py", r"error: no model server at localhost:\d+: .*refused.*\n"),
        ("client_grpc.py", r"error: localhost:\d+: UNAVAILABLE: .*\n"),
    ],
)
def test_clients_say_in_a_line_that_no_server_is_there(exported, tmp_path, name, message):
    done = run_here(exported / name, "--port", free_ports(1)[0], 1, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(message, done.stderr)


def test_the_rest_client_at_the_port_of_grpc_says_so_in_a_line(exported, server, tmp_path):
    done = run_here(exported / "client.py", "--port", server.port, 1, cwd=tmp_path)
    assert done.returncode == 1
    assert re.fullmatch(r"error: no model server at localhost:\d+: .*\n", done.stderr)


def test_rest_rows_and_columns(server):
    seeds = [1, 2, 3]
    images = pictures(latents_of(seeds)).tolist()
    latents = latents_of(seeds).tolist()
    rows = {"signature_name": "serving_default", "instances": latents}
    assert post(server, rows) == {"predictions": images}
    assert post(server, {"instances": [{"latents": row} for row in latents]}) == {"predictions": images}
    assert post(server, {"inputs": latents}) == {"outputs": images}
    assert post(server, {"inputs": {"latents": latents}}, f"/v1/models/tiny/versions/{VERSION}:predict") == {
        "outputs": images
    }
    two = post(server, {"signature_name": "generate", "inputs": {"seeds": seeds}})["outputs"]
    assert two["images"] == images
    np.testing.assert_allclose(two["latents"], latents, rtol=1e-6)
    per_row = post(server, {"signature_name": "generate", "instances": seeds})["predictions"]
    assert [row["images"] for row in per_row] == images
    row = {"seeds_a": 1, "seeds_b": 2, "t": 0.5}
    middle = post(server, {"signature_name": "interpolate", "instances": [row]})["predictions"]
    assert middle == pictures((latents_of([1]) + latents_of([2])) / 2).tolist()
    score = post(server, {"signature_name": "score", "inputs": {"images": images}})["outputs"]
    np.testing.assert_allclose(score, np.mean(images, axis=(1, 2, 3))[:, None], rtol=1e-6)


def test_rest_gives_pngs_in_base64(server):
    rows = post(server, {"signature_name": "generate_png", "instances": [5, 6]})["predictions"]
    assert [list(row) for row in rows] == [["b64"], ["b64"]]
    decoded = [pixels(base64.b64decode(row["b64"])) for row in rows]
    np.testing.assert_array_equal(decoded, pictures(latents_of([5, 6])))


def test_rest_tells_of_the_model(server):
    status = server.get("/v1/models/tiny")["model_version_status"]
    assert status == [
        {"version": str(VERSION), "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    ]
    metadata = server.get("/v1/models/tiny/metadata")
    assert metadata["model_spec"]["version"] == str(VERSION)
    signatures = metadata["metadata"]["signature_def"]["signature_def"]
    assert {"serving_default", "generate", "generate_png", "interpolate", "score"} <= set(signatures)
    assert signatures["score"]["inputs"]["images"]["dtype"] == "DT_UINT8"


@pytest.mark.parametrize(
    ("body", "path", "code", "message"),
    [
        (b"{", "tiny:predict", 400, "JSON Parse error"),
        ({"instances": [[1, 2, 3]]}, "other:predict", 404, "Servable not found for request: Latest(other)"),
        (
            {"instances": [[1, 2, 3]]},
            "tiny/versions/7:predict",
            404,
            "Servable not found for request: Specific(tiny, 7)",
        ),
        ({"instances": [[1, 2, 3]]}, "tiny:guess", 400, "Malformed request"),
        ({"signature_name": "x", "inputs": [1]}, "tiny:predict", 400, '"x" not found in signature def'),
        ({}, "tiny:predict", 400, "Missing 'inputs' or 'instances' key"),
        ({"signature_name": "generate", "inputs": {"x": [1]}}, "tiny:predict", 400, "Missing named input: seeds"),
        ({"signature_name": "generate", "inputs": [1.5]}, "tiny:predict", 400, "is not of expected type: int32"),
        ({"signature_name": "generate", "inputs": [2**31]}, "tiny:predict", 400, "is not of expected type: int32"),
        ({"signature_name": "generate", "inputs": list(range(65))}, "tiny:predict", 400, "Task size 65"),
    ],
)
def test_rest_refusals(server, body, path, code, message):
    found_code, found = refusal(server, body, f"/v1/models/{path}")
    assert found_code == code and message in found


def test_grpc(server):
    with grpc.insecure_channel(f"localhost:{server.port}") as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = "tiny", "generate"
        request.inputs["seeds"].CopyFrom(tf.make_tensor_proto([3, 4], tf.int32))
        answer = stub.Predict(request, timeout=60)
        assert answer.model_spec.version.value == VERSION
        assert sorted(answer.outputs) == ["images", "latents"]
        np.testing.assert_array_equal(tf.make_ndarray(answer.outputs["images"]), pictures(latents_of([3, 4])))
        question = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        question.model_spec.name = "tiny"
        signatures = get_model_metadata_pb2.SignatureDefMap()
        stub.GetModelMetadata(question, timeout=60).metadata["signature_def"].Unpack(signatures)
        assert list(signatures.signature_def["generate_png"].outputs) == ["image_bytes"]
        for name, signature, code in [("other", "generate", "NOT_FOUND"), ("tiny", "x", "FAILED_PRECONDITION")]:
            request.model_spec.name, request.model_spec.signature_name = name, signature
            with pytest.raises(grpc.RpcError) as raised:
                stub.Predict(request, timeout=60)
            assert raised.value.code().name == code


def test_requests_at_the_same_time_share_a_batch_and_get_their_own_pictures(server):
    def ask(seed):
        return post(server, {"signature_name": "generate", "inputs": [seed, seed + 1]})["outputs"]["images"]

    seeds = range(100, 110, 2)
    with ThreadPoolExecutor(len(seeds)) as threads:
        answers = list(threads.map(ask, seeds))
    assert answers == [pictures(latents_of([seed, seed + 1])).tolist() for seed in seeds]
    log = server.log.read_text(errors="replace")
    if "batch serving_default" in log:  # the stand-in tells
        sizes = [int(size) for size in re.findall(rf"batch generate {VERSION} (\d+) padded to", log)]
        assert max(sizes) > 2, log
        assert re.findall(rf"batch serving_default {VERSION} (\d+) padded", log)[:2] == ["1", "64"]  # the warm-up


def test_the_health_check_of_docker_compose(exported, server):
    (service,) = yaml.safe_load((exported / "docker-compose.yml").read_text())["services"].values()
    script = service["healthcheck"]["test"][3].replace("$$", "$").replace("8501", str(server.rest_port))
    assert subprocess.run(["bash", "-c", script], timeout=30).returncode == 0
    assert subprocess.run(["bash", "-c", script.replace("tiny", "other")], timeout=30).returncode == 1
    script = script.replace(str(server.rest_port), str(free_ports(1)[0]))
    assert subprocess.run(["bash", "-c", script], timeout=30, capture_output=True).returncode == 1


def test_a_warm_up_request_over_the_batch_size_keeps_a_version_from_being_served(exported, tmp_path):
    folder = tmp_path / "tiny"
    save_model(folder / "1")
    write_warmup(folder / "1", "tiny", [{"latents": np.zeros([65, 3], np.float32)}])
    write_companions(folder, "tiny", FIGURES)
    with pytest.raises(RuntimeError, match="Task size 65 is larger than maximum input batch size 64"):
        with serving(folder, "tiny", tmp_path):
            pass
