import dataclasses
import functools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import model_server, small_nets
from support.checked_here import CHECKED_HERE, checked_here
from support.helpers import H5, ROOT, error_of
from support.programs import Program
from support.scripts import run_here
from support.settings import settings

from dcgan_tf import cli
from dcgan_tf.common.install import install_command
from dcgan_tf.common.program import program
from dcgan_tf.common.text import size_text
from dcgan_tf.config.commands import ExportConfig
from dcgan_tf.export import convert, serving
from dcgan_tf.export.artifacts import cards
from dcgan_tf.export.command import export
from dcgan_tf.export.job import model_name, prepare
from dcgan_tf.export.numbering import same_version
from dcgan_tf.export.savedmodel import SavedModelWriter
from dcgan_tf.generators import checks, runtimes
from dcgan_tf.nets.saved import load_model, save_model
from dcgan_tf.pictures.images import to_uint8
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.settings import write_settings

COMPANIONS = {
    "docker-compose.yml",
    "kubernetes.yaml",
    "models.config",
    "batching.config",
    "client.py",
    "client_grpc.py",
}
SAVED_MODEL = {
    "saved_model.pb",
    "fingerprint.pb",
    "variables/variables.index",
    "variables/variables.data-00000-of-00001",
    "assets.extra/model_card.json",
    "assets.extra/tf_serving_warmup_requests",
}


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {".lock"}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run's folder with the models of epochs 3 and 7."""
    folder = tmp_path_factory.mktemp("runs") / "squares"
    folder.mkdir()
    for epoch in (3, 7):
        save_model(small_nets.generator(), folder / f"epoch{epoch}_Gmodel.h5")
        save_model(small_nets.discriminator(), folder / f"epoch{epoch}_Dmodel.h5")
    write_settings(RunFolder(folder), settings())
    return folder


@pytest.fixture
def here():
    """For exports whose check needs no process of its own, see `support.checked_here`."""
    with checked_here():
        yield


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    """(the target, what was printed) of a first export."""
    out = tmp_path_factory.mktemp("serving") / "my squares"
    printed, errors = Program("export_main", run, "--out", out).communicate()
    assert errors == ""
    return out, printed


def test_the_files_of_an_export(exported):
    out, _ = exported
    assert files(out) == COMPANIONS | {f"7/{name}" for name in SAVED_MODEL}


def test_the_table(exported, run):
    out, printed = exported
    first, *steps, head, row, _, _, _, _ = printed.splitlines()
    assert first == f"exporting {run}, epoch 7 (the newest), as version 7 to {out}"
    assert steps == ["measuring batches ...", "making and checking 7 ..."]
    assert re.split(r"  +", head) == ["artifact", "size", "largest difference", "1 image", "64 images"]
    name, size, differences, one, many = re.split(r"  +", row)
    assert (name, size) == ("7/", size_text(sum((out / "7" / name).stat().st_size for name in SAVED_MODEL)))
    assert re.fullmatch(r"image_bytes [01], images [01], latents 0, logits \S+", differences)
    assert re.fullmatch(r"[\d.]+ ms", one) and re.fullmatch(r"[\d.]+ ms", many)


def test_the_last_lines_are_what_to_type_next(exported, monkeypatch):
    out, printed = exported
    names = {name: shlex.quote(str(out / name)) for name in ("docker-compose.yml", "client.py", "7")}
    head, *rows = printed.splitlines()[-4:]
    assert head == "next:"
    assert [re.split(r"  +", row.strip()) for row in rows] == [
        ["serve it", f"docker compose -f {names['docker-compose.yml']} up --wait"],
        ["ask the server", f"python {names['client.py']} 1 2 3"],
        ["draw with it", f"{program()} generate {names['7']} --out pictures/7"],
    ]


def test_the_model_card_tells_of_the_run(exported):
    out, _ = exported
    card = json.loads((out / "7/assets.extra/model_card.json").read_text())
    assert (card["name"], card["epoch"], card["preset"]) == ("my-squares", 7, "faces64@8x8x3")
    assert card["data"] == {"name": "squares", "images": 44, "image_shape": [8, 8, 3]}
    assert card["latents"] == {"size": 6, "distribution": "uniform"}
    assert sorted(card["signatures"]) == ["generate", "generate_png", "interpolate", "score", "serving_default"]


def test_the_warm_up_asks_for_one_image_and_for_the_largest_batch(exported):
    out, _ = exported
    net = runtimes.SavedModelSession(str(out / "7"))
    requests = runtimes.warmup_requests(str(out / "7"))
    assert [runtimes.replay(request, net) for request in requests] == [1, serving.kept_batch_size(out)]
    assert {request.model_spec.name for request in requests} == {"my-squares"}


@pytest.mark.parametrize("server", model_server.SERVERS)
def test_a_server_of_the_export_gives_the_pictures_of_generate(exported, run, tmp_path, server):
    """With the batching and the clients that the export has written."""
    binary = model_server.binary_of(server)
    out, _ = exported
    for folder in ("server", "rest", "grpc"):
        (tmp_path / folder).mkdir()
    with model_server.serving(out, "my-squares", tmp_path / "server", binary) as running:
        for folder, client, port in (
            ("rest", "client.py", running.rest_port),
            ("grpc", "client_grpc.py", running.port),
        ):
            run_here(out / client, "--port", port, 1, 2, 3, cwd=tmp_path / folder).check_returncode()
        answers = {}
        for count in (1, 3, 64):
            body = json.dumps({"signature_name": "generate", "inputs": {"seeds": list(range(1, count + 1))}}).encode()
            address = f"http://localhost:{running.rest_port}/v1/models/my-squares:predict"
            with urllib.request.urlopen(address, body) as answer:
                answers[count] = np.array(json.load(answer)["outputs"]["images"], np.uint8)
    assert cli.main(["generate", str(run), "--count", "3", "--out", str(tmp_path / "direct")]) == 0
    names = ["seed0001.png", "seed0002.png", "seed0003.png"]
    pixels = {folder: np.stack([np.asarray(Image.open(tmp_path / folder / name)) for name in names]).astype(int)
              for folder in ("direct", "rest", "grpc")}  # fmt: skip
    levels = 1 if binary else 0  # Another build of TensorFlow may round differently.
    for given in (pixels["rest"], pixels["grpc"], answers[3], answers[64][:3]):
        np.testing.assert_allclose(given, pixels["direct"], rtol=0, atol=levels)
    np.testing.assert_allclose(answers[1], pixels["direct"][:1], rtol=0, atol=levels)


def test_files_of_old_tensorflow_with_a_discriminator_of_their_own(here, tmp_path, capsys):
    folder = H5
    source = str(folder / "tf212_paints_generator.h5")
    discriminator = str(folder / "tf212_paints_discriminator.h5")
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "batching.config").write_text("max_batch_size { value: 2 }\n")  # Nothing has to be measured.
    assert export(ExportConfig(source, str(tmp_path / "net"), discriminator=discriminator)) == 0
    net = runtimes.SavedModel(str(tmp_path / "net" / "1"))
    expected = np.load(folder / "tf212_expected.npz")
    images = net(expected["paints_generator_x"])
    assert np.abs(images.astype(int) - to_uint8(expected["paints_generator_y"])).max() <= 1
    seen = to_uint8(expected["paints_discriminator_x"])
    logits = load_model(discriminator)(seen / np.float32(127.5) - 1, training=False)
    np.testing.assert_allclose(net.run("score", {"images": seen})["logits"], logits, rtol=0, atol=1e-4)


def test_a_discriminator_of_packs_gives_no_score(run, tmp_path):
    assert prepare(ExportConfig(str(run), out=str(tmp_path))).discriminator is not None
    packs = tmp_path / "packs"
    packs.mkdir()
    (packs / "epoch7_Gmodel.h5").write_bytes((run / "epoch7_Gmodel.h5").read_bytes())
    layers = small_nets.layers
    judge = small_nets.keras.Sequential([small_nets.keras.Input([8, 8, 6]), layers.Flatten(), layers.Dense(1)])
    save_model(judge, packs / "epoch7_Dmodel.h5")
    write_settings(RunFolder(packs), settings(packing=2))
    assert prepare(ExportConfig(str(packs), out=str(tmp_path / "out"))).discriminator is None


def test_again_takes_the_next_number_and_leaves_all_that_is_there(exported, run, here, capsys):
    out, _ = exported
    before = {name: (out / name).read_bytes() for name in files(out)}
    # A server may have been started with this file: the warm-up must keep to it.
    (out / "batching.config").write_text("max_batch_size { value: 5 }\n")
    assert export(ExportConfig(str(run), str(out), epoch=3)) == 0
    assert export(ExportConfig(str(run), str(out), epoch=3, latents="normal")) == 0
    printed = capsys.readouterr().out
    assert f"exporting {run}, epoch 3, as version 3 to" in printed
    assert f"exporting {run}, epoch 3, as version 8 to" in printed
    assert printed.count("note: a server takes the highest version, 7; models.config says how to serve 3\n") == 1
    assert printed.count("note:") == 1
    assert {int(path.name) for path in out.iterdir() if path.name.isdigit()} == {3, 7, 8}
    (out / "client.py").unlink()  # Deleting one is the way to get it anew.
    assert export(ExportConfig(str(run), str(out), epoch=3)) == 0
    said, note, *_ = capsys.readouterr().out.splitlines()
    assert said == f"{out}: version 3 is epoch 3 already, whole and of the same options: nothing is exported"
    assert note == "note: a server takes the highest version, 8; models.config says how to serve 3"
    assert {int(path.name) for path in out.iterdir() if path.name.isdigit()} == {3, 7, 8}
    assert (out / "client.py").exists()
    net = runtimes.SavedModelSession(str(out / "8"))
    assert [runtimes.replay(request, net) for request in runtimes.warmup_requests(str(out / "8"))] == [1, 5]
    after = {name: (out / name).read_bytes() for name in before}
    (out / "batching.config").write_bytes(before["batching.config"])
    assert after == before | {"batching.config": b"max_batch_size { value: 5 }\n"}


def test_the_same_again_is_said_and_nothing_is_written(run, here, tmp_path, capsys):
    pytest.importorskip("onnx", reason="needs dcgan-tf[export]")
    out = tmp_path / "net"
    shutil.copytree(run, tmp_path / "elsewhere" / "squares")
    (out / "3").mkdir(parents=True)  # a number that is taken
    for source in (run, tmp_path / "elsewhere" / "squares"):
        assert export(ExportConfig(str(source), str(out), epoch=3, formats=("onnx",), inputs=("seeds",))) == 0
    first, second = capsys.readouterr().out.split(f"{out}: version 4 is epoch 3 already")
    assert f"exporting {run}, epoch 3, as version 4 to {out}\n" in first
    said, head, command = second.splitlines()
    assert (said, head) == (", whole and of the same options: nothing is exported", "next:")
    assert command.startswith('  run it  python -c "import ') and command.endswith(f"{out}/net-4-seeds.onnx")
    assert files(out) == {"net-4-seeds.onnx"}

    damaged = bytearray((out / "net-4-seeds.onnx").read_bytes())
    damaged[100] ^= 1
    (out / "net-4-seeds.onnx").write_bytes(damaged)
    assert export(ExportConfig(str(run), str(out), epoch=3, formats=("onnx",), inputs=("seeds",))) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        f"note: {out}/net-4-seeds.onnx: is damaged (its checksum is wrong): copy it again, or export it again; it stays as it is",
        f"exporting {run}, epoch 3, as version 5 to {out}",
    ]
    assert files(out) == {"net-4-seeds.onnx", "net-5-seeds.onnx"}


@pytest.mark.parametrize(
    "name, wanted", [("paints200", "paints200"), ("Größe 5/..", "Gr-e-5"), ("a.b c", "a-b-c"), ("!", "generator")]
)
def test_the_model_s_name_is_one_that_a_url_may_have(tmp_path, name, wanted):
    assert model_name(tmp_path / name.split("/")[0]) == wanted


def test_onnx_and_litert(run, here, tmp_path, capsys):
    pytest.importorskip("onnx", reason="needs dcgan-tf[export]")
    pytest.importorskip("ai_edge_litert", reason="needs dcgan-tf[export]")
    out = tmp_path / "net"
    config = ExportConfig(
        str(run), str(out), formats=("onnx", "litert"), quantize=("float16", "dynamic"), quantized_tolerance=0.5
    )
    assert export(config) == 0
    names = ["net-7.onnx", "net-7.tflite", "net-7-float16.tflite", "net-7-dynamic.tflite"]
    assert files(out) == set(names)
    lines = capsys.readouterr().out.splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("artifact "))
    assert [re.split(r"  +", line)[0] for line in lines[head + 1 : head + 5]] == names
    assert [line.split()[:3] for line in lines[head + 5 :]] == [["next:"], *[["draw", "with", "it"]] * 2]
    default = {"images": {"dtype": "float32", "shape": ["N", 8, 8, 3],
               "values": "-1..1; a pixel is round(x * 127.5 + 127.5), cut to 0..255"}}  # fmt: skip
    for kind, name in (("onnx", names[0]), ("litert", names[2])):
        card = checks.read_card(kind, out / name)
        assert list(card["signatures"]) == ["serving_default"]
        assert card["signatures"]["serving_default"]["outputs"] == default
    assert card["quantized"] == {"weights": "float16", "tolerance": 0.5}
    assert export(config) == 0
    assert f"{out}: version 7 is epoch 7 already" in capsys.readouterr().out
    other = dataclasses.replace(config, quantized_tolerance=0.4)  # It would get a number of its own.
    assert same_version(out, "net", functools.partial(cards, other, prepare(other))) is None


def test_a_quantized_file_that_differs_too_much_is_removed(run, here, tmp_path, capsys):
    pytest.importorskip("ai_edge_litert", reason="needs dcgan-tf[export]")
    arguments = [str(run), "--out", str(tmp_path / "net"), "--formats", "litert", "--quantize", "float16"]
    assert cli.export_main([*arguments, "--quantized-tolerance", "1e-9"]) == 1
    assert files(tmp_path / "net") == {"net-7.tflite"}
    assert re.fullmatch(
        r"error: \S+/net/net-7-float16\.tflite: images of serving_default \(litert\) differ by \S+ from the Keras generator, "
        r"more than 1e-09: removed; --quantized-tolerance \S+ would let it pass\n",
        capsys.readouterr().err,
    )


def test_a_net_that_a_format_cannot_express_is_told_and_the_others_are_published(here, tmp_path, capsys):
    pytest.importorskip("tf2onnx", reason="needs dcgan-tf[export]")
    layers, keras = small_nets.layers, small_nets.keras
    net = keras.Sequential([keras.Input([4]), layers.Dense(12, activation="gelu"), layers.Reshape([2, 2, 3])])
    net.save(tmp_path / "gelu.keras")
    arguments = [str(tmp_path / "gelu.keras"), "--out", str(tmp_path / "net"), "--formats", "onnx", "litert"]
    assert cli.export_main(arguments) == 1
    assert files(tmp_path / "net") == {"net-1.tflite"}
    line = capsys.readouterr().err
    assert re.fullmatch(r"error: \S+/net/net-1\.onnx: cannot express this net: .*Erfc.*: removed\n", line)


@pytest.fixture
def other_weights(monkeypatch):
    """The SavedModel gets weights that are not the generator's."""
    write = SavedModelWriter.write

    def wrong(self, path, card=None):
        weight = max(self._module.weights, key=lambda variable: np.prod(variable.shape))
        weight.assign(weight * 1.1)
        write(self, path, card)

    monkeypatch.setattr(SavedModelWriter, "write", wrong)


def test_a_saved_model_that_differs_is_removed_with_the_figure(run, tmp_path, other_weights, here, capsys):
    (tmp_path / "net" / "8").mkdir(parents=True)  # A note would tell of this higher version, had 7 been published.
    assert cli.export_main([str(run), "--out", str(tmp_path / "net")]) == 1
    assert files(tmp_path / "net") == set()
    printed = capsys.readouterr()
    assert "note:" not in printed.out
    assert re.fullmatch(
        r"error: \S+/net/7: images of \w+ \(tf\.saved_model\.load\) differ by [\d.]+ from the Keras generator, "
        r"more than 1: removed\n",
        printed.err,
    )


# ---------------------------------------------------------------------------------------------- what users do wrong


def test_errors_before_tensorflow(capsys):
    for arguments, line in (
        (["x", "--formats", "onnx", "--quantize", "float16"],
         "--quantize float16: is for LiteRT: add litert to --formats"),
        (["x", "--inputs", "seeds"],
         "--inputs seeds: is for ONNX: add onnx to --formats, or leave it out (a SavedModel takes seeds, too)"),
        (["x", "--inputs", "seeds", "--formats", "onnx", "litert"],
         "--inputs seeds: LiteRT cannot take seeds, as it has no float64 to draw with: give --inputs latents seeds"),
        (["x", "--quantized-tolerance", "0"],
         "--quantized-tolerance 0: must be above 0 and at most 2, such as 0.01"),
    ):  # fmt: skip
        assert cli.export_main(arguments) == 2
        assert capsys.readouterr() == ("", f"error: {line}\n")
    arguments = [sys.executable, ROOT / "export.py", "x", "--formats", "coreml"]
    process = subprocess.run(arguments, capture_output=True, text=True)
    message = "error: --formats coreml: must be one of savedmodel, onnx, litert\n"
    assert (process.returncode, process.stdout, process.stderr) == (2, "", message)


def test_a_missing_package_is_one_line_with_the_command(monkeypatch, run, tmp_path):
    there = convert.importlib.util.find_spec
    monkeypatch.setattr(
        convert.importlib.util, "find_spec", lambda name: None if name in ("tf2onnx", "onnx") else there(name)
    )
    assert error_of(export, ExportConfig(str(run), str(tmp_path / "net"), formats=("savedmodel", "onnx"))) == (
        f"--formats onnx: tf2onnx and onnx missing: {install_command(['tf2onnx', 'onnx'])}, or leave onnx out"
    )
    assert not (tmp_path / "net").exists()


def test_sources_that_are_none(run, exported, tmp_path):
    out, _ = exported
    target = str(tmp_path / "net")

    def message(source, **options):
        return error_of(export, ExportConfig(str(source), target, **options))

    kinds = "give a run's folder such as checkpoints/paints200, or a generator's .h5 or .keras file"
    assert message(out / "7") == f"{out}/7: is an exported model already: {kinds}"
    assert message(out) == f"{out}: is an exported model already: {kinds}"
    assert message(run, epoch=5) == f"--epoch 5: {run} has no models of that epoch (any more); it has 3, 7"
    assert message(run / "epoch7_Dmodel.h5") == (
        f"{run}/epoch7_Dmodel.h5: is a discriminator: takes 8x8x3 and gives one number; give the file of a generator"
    )
    (tmp_path / "x.h5").write_text("no net")
    assert (
        message(tmp_path / "x.h5")
        == f"{tmp_path}/x.h5: is no file of a net: give one saved with model.save, .h5 or .keras, or the tensors of PyTorch, "
        ".pth or .safetensors"
    )
    layers, keras = small_nets.layers, small_nets.keras
    keras.Sequential([keras.Input([4]), layers.Lambda(lambda x: x, name="lambda")]).save(tmp_path / "lambda.keras")
    assert message(tmp_path / "lambda.keras").startswith(
        f"{tmp_path}/lambda.keras: layer 'lambda' (Lambda) does not load"
    )
    keras.Sequential([keras.Input([5, 5, 3]), layers.Flatten(), layers.Dense(1)]).save(tmp_path / "d.keras")
    assert message(run, discriminator=str(tmp_path / "d.keras")) == (
        f"{tmp_path}/d.keras: takes images of 5x5x3, but the generator makes 8x8x3: "
        "give the discriminator that was trained with it"
    )
    assert not Path(target).exists()


def test_targets_that_cannot_be_written(run, tmp_path):
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "net"
    assert error_of(export, ExportConfig(str(run), str(out))) == (
        f"--out {out}: cannot be written (Not a directory): give another --out"
    )
    inside = run / "saved_model"
    assert error_of(export, ExportConfig(str(run), str(inside))) == (
        f"--out {inside}: lies in the run's own folder, which training writes to: give another, such as serving/squares"
    )


def test_a_full_disk_is_one_line_and_leaves_nothing(run, tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(serving, "write_warmup", full)
    out = tmp_path / "net"
    assert error_of(export, ExportConfig(str(run), str(out))) == (
        f"no space left on the disk for {out}: free some space and run the same command again"
    )
    assert files(out) == set()


# ---------------------------------------------------------------------------------------------- at any moment


def test_whoever_looks_sees_whole_versions_only_and_a_killed_export_leaves_none(run, exported, tmp_path):
    out, seen, faults, done = tmp_path / "net", set(), [], threading.Event()
    shutil.copytree(exported[0] / "7", out / "7")

    def look():
        while not done.is_set():
            for version in [name for name in os.listdir(out) if name.isdigit()]:
                seen.add(version)
                missing = {name for name in SAVED_MODEL if not (out / version / name).exists()}
                if missing:
                    faults.append((version, missing))
            time.sleep(0.0005)  # The exports need the processor.

    looker = threading.Thread(target=look)
    looker.start()
    try:
        export = Program("export_main", run, "--out", out, before=CHECKED_HERE)
        assert (export.wait(), export.communicate()[1]) == (0, "")
        for number, words in ((signal.SIGKILL, "making"), (signal.SIGINT, "making"), (signal.SIGTERM, "measuring")):
            if words == "measuring":
                (out / "batching.config").unlink()
            export = Program("export_main", run, "--out", out, "--latents", "normal")  # what no version has yet
            next(line for line in export.lines() if line.startswith(words))
            time.sleep(0.2)
            export.send_signal(number)
            assert export.wait() == {9: -9, 2: 130, 15: 143}[number]
            assert export.communicate()[1] == ""
            if number != signal.SIGKILL:
                assert not [name for name in os.listdir(out) if name.endswith(".part")]
    finally:
        done.set()
        looker.join()
    assert (seen, faults) == ({"7", "8"}, [])
    assert sorted(name for name in os.listdir(out) if name.isdigit()) == ["7", "8"]
