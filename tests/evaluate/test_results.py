import json
from dataclasses import replace

import pytest
from support.evaluations import evaluate, files, result_of
from support.helpers import error_of

from dcgan_tf.evaluate.results import Call, Evaluation, GeneratorFile, Images, Result, generator_file

CALL = Result(
    source="checkpoints/a",
    data=Images("squares", 44, (8, 8, 3), "abc"),
    seed=0,
    versions={"numpy": "2"},
    generators={"7": GeneratorFile("epoch7_Gmodel.h5", "0f")},
    calls=(Call("2026-01-01T10:00:00+00:00", "dcgan-tf evaluate checkpoints/a"),),
    measures={},
)
PROTOCOL = {"images": 9, "seed": 0}


def measured(path, call, value, protocol=PROTOCOL, name="swd", real=None):
    """What is in the file after a call that measures one number of every generator it has."""
    evaluation = Evaluation(path, replace(call, measures={}), {name: protocol})
    evaluation.begin(name, protocol, lambda: {"mean": real if real is not None else pytest.fail("known already")})
    for epoch in call.generators:
        evaluation.add(name, epoch, {"mean": value})
    evaluation.write()
    return json.loads(path.read_text())


@pytest.fixture
def path(tmp_path):
    measured(tmp_path / "evaluation.json", CALL, 5.0, real=2.0)
    return tmp_path / "evaluation.json"


def test_the_file_by_hand(path):
    assert json.loads(path.read_text()) == {
        "source": "checkpoints/a",
        "data": {"name": "squares", "images": 44, "image_shape": [8, 8, 3], "fingerprint": "abc", "left_out": 0},
        "held_out": None,
        "features": None,
        "seed": 0,
        "seeds": 1,
        "images": None,
        "versions": {"numpy": "2"},
        "generators": {"7": {"file": "epoch7_Gmodel.h5", "checksum": "0f"}},
        "calls": [{"date": "2026-01-01T10:00:00+00:00", "command": "dcgan-tf evaluate checkpoints/a"}],
        "measures": {"swd": {"protocol": PROTOCOL, "real": {"mean": 2.0}, "epochs": {"7": {"mean": 5.0}}}},
    }
    assert files(path.parent) == ["evaluation.json"]


def test_an_equal_call_replaces_itself(path):
    later = replace(CALL, calls=(replace(CALL.calls[0], date="2026-01-02T10:00:00+00:00"),))
    found = measured(path, later, 6.0)
    assert found["measures"]["swd"]["epochs"] == {"7": {"mean": 6.0}} and "earlier" not in found
    assert [call["date"] for call in found["calls"]] == ["2026-01-02T10:00:00+00:00"]


def test_another_epoch_and_another_measure_are_added(path):
    other = replace(CALL, generators={"8": GeneratorFile("b", "1a")}, calls=(Call("later", "another command"),))
    found = measured(path, other, 6.0)
    assert found["measures"]["swd"]["epochs"] == {"7": {"mean": 5.0}, "8": {"mean": 6.0}}
    assert list(found["generators"]) == ["7", "8"] and len(found["calls"]) == 2 and "earlier" not in found
    found = measured(path, other, 7.0, name="fid", real=1.0)
    assert list(found["measures"]) == ["swd", "fid"] and len(found["calls"]) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"source": "checkpoints/b"}, {"seed": 1}, {"seeds": 5}, {"images": 100}, {"versions": {"numpy": "3"}},
        {"data": Images("others", 44, (8, 8, 3), "abd")}, {"held_out": Images("more", 44, (8, 8, 3), "abd")},
        {"generators": {"7": GeneratorFile("epoch7_Gmodel.h5", "another")}},
    ],
)  # fmt: skip
def test_what_does_not_compare_is_kept_beside_and_found_again(path, change):
    before = json.loads(path.read_text())
    found = measured(path, replace(CALL, **change), 6.0)  # The numbers of real images are known by the protocol.
    assert found["earlier"] == [before] and found["measures"]["swd"]["epochs"]["7"] == {"mean": 6.0}
    again = measured(path, CALL, 5.0)
    del found["earlier"]
    assert again == before | {"earlier": [found]}  # The newest is on top.


def test_another_protocol_is_another_result_with_other_real_images(path):
    found = measured(path, CALL, 6.0, PROTOCOL | {"images": 10}, real=3.0)
    assert found["measures"]["swd"]["real"] == {"mean": 3.0}
    assert found["earlier"][0]["measures"]["swd"]["real"] == {"mean": 2.0}


def test_a_file_of_before_is_added_to(path):
    """It had no calls, seeds or checksums."""
    of_before = json.loads(path.read_text())
    for name in ("seeds", "images", "generators", "calls"):
        del of_before[name]
    del of_before["data"]["left_out"]
    path.write_text(json.dumps(of_before))
    found = measured(path, replace(CALL, generators={"8": GeneratorFile("b", "1a")}), 6.0)
    assert list(found["measures"]["swd"]["epochs"]) == ["7", "8"] and "earlier" not in found
    path.write_text(json.dumps({"measures": {"swd": of_before["measures"]["swd"]}}))  # numbers of nobody knows what
    assert measured(path, CALL, 6.0)["earlier"][0]["measures"] == of_before["measures"]


def test_a_damaged_evaluation_is_one_line(run, capsys):
    (run / "evaluation").mkdir()
    path = run / "evaluation" / "evaluation.json"
    path.write_text("{}")
    assert evaluate(run, "--metrics", "diversity") == 2
    assert capsys.readouterr().err == (
        f"error: {path}: is no evaluation that can be added to: delete it, or give another --out\n"
    )


GOOD = {"protocol": {"images": 9, "held_out": None}, "real": {"mean": 2.75}, "epochs": {"7": {"mean": None}}}


@pytest.mark.parametrize(
    "content",
    [
        *({"measures": {"swd": measured}} for measured in (
            None, [], 1, {}, {"protocol": {}, "real": {}}, GOOD | {"epochs": []}, GOOD | {"epochs": {"7": 1}},
            GOOD | {"epochs": {"7": {"mean": "1"}}}, GOOD | {"real": {"mean": float("nan")}},
            GOOD | {"real": {"mean": 1e300}}, GOOD | {"real": None}, GOOD | {"protocol": {"images": float("inf")}},
            GOOD | {"standard_deviations": 1},
        )),
        {"measures": {}, "earlier": {}}, {"measures": {}, "earlier": [{}]}, {"measures": {}, "generators": {"7": 1}},
        {"measures": {}, "calls": [1]}, {"measures": {}, "data": []}, {"measures": {}, "seeds": "1"},
    ],
)  # fmt: skip
def test_an_evaluation_of_other_contents_is_one_line(tmp_path, content):
    path = tmp_path / "evaluation.json"
    path.write_text(json.dumps(content))
    assert error_of(Evaluation, path, result_of(), {}) == (
        f"{path}: is no evaluation that can be added to: delete it, or give another --out"
    )


def test_the_checksum_of_a_saved_model_is_that_of_all_its_files(tmp_path):
    (tmp_path / "7" / "variables").mkdir(parents=True)
    (tmp_path / "7" / "saved_model.pb").write_text("a")
    (tmp_path / "7" / "variables" / "x").write_text("b")
    first = generator_file(tmp_path / "7")
    assert first.file == "7" and len(first.checksum) == 32
    (tmp_path / "7" / "variables" / "x").write_text("c")
    assert generator_file(tmp_path / "7").checksum != first.checksum
