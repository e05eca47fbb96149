from dataclasses import replace

from support.evaluations import files, result_of

from dcgan_tf.evaluate.seeds import mean_and_deviation
from dcgan_tf.evaluate.sheet import write_sheet


def test_a_row_for_each_number(tmp_path):
    result = replace(
        result_of(
            swd=({"64": 2.5, "mean": 2.5}, {"7": {"64": 4.0, "mean": 4.0}}),
            copies=({"share_copied": 0.01}, {"7": {"share_copied": None}, 'a,"b"': {"share_copied": 0.5}}),
        ),
        seed=3, seeds=2,
    )  # fmt: skip
    result.measures["swd"].standard_deviations["7"] = {"64": 0.25, "mean": 0.125}
    write_sheet(result, tmp_path / "evaluation.csv")
    assert (tmp_path / "evaluation.csv").read_bytes().decode() == "\r\n".join([
        "epoch,measure,number,name,value,standard_deviation,real,unit,images,seed,seeds,class",
        '7,swd,64,SWD 64,4.0,0.25,2.5,"SWD, x 1000",1024,3,2,',
        '7,swd,mean,SWD,4.0,0.125,2.5,"SWD, x 1000",1024,3,2,',
        '7,copies,share_copied,copied,,,0.01,"share, 0 to 1",1024,3,2,',
        '"a,""b""",copies,share_copied,copied,0.5,,0.01,"share, 0 to 1",1024,3,2,',
        "",
    ])  # fmt: skip
    assert files(tmp_path) == ["evaluation.csv"]


def test_a_number_of_a_class_names_it_and_how_many_images_it_is_of(tmp_path):
    result = result_of(**{"per-class": ({}, {"7": {"swd old cat": 4.0, "kid old cat": 0.5}})})
    result.measures["per-class"].protocol.update({"images old cat": 300, "kid_images": 128})
    write_sheet(result, tmp_path / "evaluation.csv")
    assert (tmp_path / "evaluation.csv").read_text().splitlines()[1:] == [
        '7,per-class,swd,SWD old cat,4.0,,,"SWD, x 1000",300,,1,old cat',
        "7,per-class,kid,KID old cat,0.5,,,KID,128,,1,old cat",
    ]


def test_mean_and_standard_deviation_by_hand():
    assert mean_and_deviation([{"a": 1.0, "b": None}]) == ({"a": 1.0, "b": None}, None)
    scores = [{"a": 1.0, "b": None, "c": None}, {"a": 2.0, "b": 1.0, "c": None}, {"a": 6.0, "b": 1.0, "c": None}]
    means, deviations = mean_and_deviation(scores)  # deviations from 3: -2, -1, 3; the root of 14 / 2
    assert means == {"a": 3.0, "b": None, "c": None}
    assert deviations == {"a": 7**0.5, "b": None, "c": None}
