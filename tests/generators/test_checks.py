"""Exported nets refer to no other file, a flipped bit in them is told, and a SavedModel is announced as a program."""

import json
import os
import shutil
import zipfile

import numpy as np
import pytest
from support import small_nets
from support.helpers import error_of

from dcgan_tf.export import convert
from dcgan_tf.export.savedmodel import SavedModelWriter
from dcgan_tf.generators import checks, runtimes
from dcgan_tf.generators.find import KINDS
from dcgan_tf.generators.generator import open_generator

DAMAGED = "is damaged (its checksum is wrong): copy it again, or export it again"
ELSEWHERE = "lies in another file, which could be any file of this machine: save it as one file"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    SavedModelWriter(small_nets.generator(), "uniform").write(folder / "7", {"latents": {"distribution": "uniform"}})
    return folder / "7"


@pytest.fixture
def saved_model(exported, tmp_path):
    return shutil.copytree(exported, tmp_path / "7")


# SavedModel


def test_before_a_saved_model_runs_a_line_says_that_it_is_a_program(exported, capfd):
    opened = open_generator(str(exported))
    assert opened.distribution == "uniform"
    assert capfd.readouterr() == (
        "",
        "note: a SavedModel is a program that can read and write your files: run only those of people you trust\n",
    )


@pytest.mark.parametrize(
    "name", ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"]
)
def test_a_changed_bit_in_a_file_of_a_saved_model(saved_model, name):
    content = bytearray((saved_model / name).read_bytes())
    content[len(content) // 2] ^= 16
    (saved_model / name).write_bytes(content)
    assert error_of(open_generator, str(saved_model)) == f"{saved_model}: its {name} {DAMAGED}"


def test_a_changed_model_card(saved_model):
    path = saved_model / checks.CARD
    whole = path.read_text()
    path.write_text(whole.replace('"uniform"', '"uniforn"'))
    assert error_of(open_generator, str(saved_model)) == f"{saved_model}: its assets.extra/model_card.json {DAMAGED}"
    path.write_text(whole[:-3])
    assert error_of(open_generator, str(saved_model)) == (
        f"{saved_model}: its assets.extra/model_card.json cannot be read: copy it again, or delete it"
    )


@pytest.mark.parametrize("card", ["[]", "{}", '{"latents": {"distribution": ["x"]}}', '{"latents": 5, "checksums": 5}'])
def test_cards_of_other_makers_say_nothing(saved_model, card):
    (saved_model / checks.CARD).write_text(card)
    checks.check("savedmodel", saved_model)


@pytest.mark.parametrize("name", ["saved_model.pb", "variables", "variables/variables.index"])
def test_pipes_and_links_in_a_saved_model_are_never_opened(saved_model, name):
    place = saved_model / name
    place.rename(saved_model.parent / "moved")
    os.mkfifo(place)
    assert error_of(checks.check, "savedmodel", saved_model) == f"its {name} is not a regular file"
    place.unlink()
    place.symlink_to(saved_model.parent / "moved")
    assert error_of(checks.check, "savedmodel", saved_model) == (
        f"its {name} leads out of the folder: copy the file itself there"
    )


# ONNX and LiteRT


@pytest.mark.parametrize("ending", ["onnx", "tflite"])
def test_a_changed_bit_in_a_file(tmp_path, ending):
    path, kind = tmp_path / f"g.{ending}", {"onnx": "onnx", "tflite": "litert"}[ending]
    if ending == "onnx":
        pytest.importorskip("tf2onnx", reason="needs dcgan-tf[export]")
        convert.to_onnx(small_nets.generator(), path, {"name": "x"})
    else:
        pytest.importorskip("ai_edge_litert", reason="needs dcgan-tf[export]")
        convert.to_litert(small_nets.generator(), path, {"name": "x"})
    checks.check(kind, path)
    whole = path.read_bytes()
    for place in (0, 8, len(whole) // 2, len(whole) - 47, len(whole) - 1):
        changed = bytearray(whole)
        changed[place] ^= 1
        path.write_bytes(changed)
        assert error_of(open_generator, str(path)) == f"{path}: {DAMAGED}"


def test_the_card_of_a_litert_file_lies_in_an_archive_behind_it(tmp_path):
    tables, path = b"\x1c\0\0\0TFL3" + bytes(100), tmp_path / "net.tflite"
    path.write_bytes(checks.litert_with_card(tables, {"name": "x", "epoch": 7}))
    assert path.read_bytes().startswith(tables)
    with zipfile.ZipFile(path) as archive:
        assert archive.read("model_card.json") == b'{"name": "x", "epoch": 7}'
    assert checks.read_card("litert", path) == {"name": "x", "epoch": 7}
    checks.check("litert", path)


@pytest.mark.parametrize("card", [None, b"[1]", b"no JSON", b"\xff", b"[" * 100_000, b" " * 20_000_000])
def test_litert_files_of_other_makers_have_any_card_or_none(tmp_path, card):
    path = tmp_path / "net.tflite"
    path.write_bytes(b"\x1c\0\0\0TFL3")
    if card is not None:
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("model_card.json", card)
    if card in (None, b"[1]"):
        assert checks.read_card("litert", path) == {}
    else:
        message = "its model card cannot be read: copy it again, or delete it"
        assert error_of(checks.read_card, "litert", path) == message


def test_the_checksum_of_an_onnx_file_is_among_its_metadata():
    onnx = pytest.importorskip("onnx", reason="needs dcgan-tf[export]")
    model = onnx.ModelProto(ir_version=9)
    onnx.helper.set_model_props(model, {"model_card": "{}"})
    read = onnx.load_model_from_string(checks.sealed(model.SerializeToString()))
    found = {entry.key: entry.value for entry in read.metadata_props}
    assert (found["model_card"], len(found["checksum"])) == ("{}", 32)


def external(onnx):
    tensor = onnx.TensorProto(name="w", data_type=onnx.TensorProto.FLOAT, dims=[6, 12])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="private")
    return tensor


@pytest.mark.parametrize("place", ["initializer", "attribute", "branch", "function", "sparse", "training"])
def test_data_in_another_file_is_refused_wherever_it_is(tmp_path, place):
    onnx = pytest.importorskip("onnx", reason="needs dcgan-tf[export]")
    model, tensor, make = onnx.ModelProto(ir_version=9), external(onnx), onnx.helper
    constant = make.make_node("Constant", [], ["w"], value=tensor)
    if place == "initializer":
        model.graph.initializer.append(tensor)
    elif place == "attribute":
        model.graph.node.append(constant)
    elif place == "branch":
        branch = make.make_graph([constant], "inner", [], [])
        model.graph.node.append(make.make_node("If", ["c"], ["w"], then_branch=branch, else_branch=branch))
    elif place == "function":
        model.functions.append(make.make_function("own", "F", [], ["w"], [constant], []))
    elif place == "sparse":
        model.graph.sparse_initializer.add().values.CopyFrom(tensor)
    else:
        model.training_info.add().algorithm.initializer.append(tensor)
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    assert error_of(open_generator, str(tmp_path / "net.onnx")) == f"{tmp_path}/net.onnx: its tensor w {ELSEWHERE}"


def test_an_onnx_net_that_asks_for_more_memory_than_there_is(tmp_path):
    onnx = pytest.importorskip("onnx", reason="needs dcgan-tf[export]")
    make, float32 = onnx.helper, onnx.TensorProto.FLOAT
    shape = make.make_tensor("shape", onnx.TensorProto.INT64, [4], [4, 10**6, 10**6, 3])
    graph = make.make_graph(
        [make.make_node("ConstantOfShape", ["shape"], ["images"])], "net",
        [make.make_tensor_value_info("latents", float32, ["N", 6])],
        [make.make_tensor_value_info("images", float32, None)], [shape],
    )  # fmt: skip
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 18)], ir_version=9)
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    message = error_of(open_generator, str(tmp_path / "net.onnx"))
    assert message.startswith(f"{tmp_path}/net.onnx: is not a generator that runs (") and message.endswith(KINDS)


def test_claims_of_many_latents_and_of_large_tensors():
    with pytest.raises(ValueError, match="^it takes 1,000,000,000 latents for each image, 65,536 at most are drawn$"):
        runtimes._latent_dim([None, 10**9])
    runtimes._check_tensors([{"shape": np.array([1, 8, 8, 3], np.int32)}])
    with pytest.raises(ValueError, match="^a tensor in it has 1,000,000,000,000,000 numbers, more than the free bytes"):
        runtimes._check_tensors([{"shape": np.array([10**5, 10**5, 10**5], np.int32)}])


def test_a_file_larger_than_the_memory_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "free_bytes", lambda: 10**9)
    with open(tmp_path / "net.tflite", "wb") as file:
        file.truncate(10**12)
    assert error_of(open_generator, str(tmp_path / "net.tflite")) == (
        f"{tmp_path}/net.tflite: takes 1e+03 GB, and 1 GB of memory are free: give a smaller net"
    )


def test_a_saved_card_has_the_checksums_of_the_rest(exported):
    card = json.loads((exported / checks.CARD).read_text())
    assert sorted(card["checksums"]) == [
        "assets.extra/model_card.json", "saved_model.pb",
        "variables/variables.data-00000-of-00001", "variables/variables.index",
    ]  # fmt: skip
    checks.check("savedmodel", exported)
