import pytest

from dcgan_tf.export.numbering import next_version, same_version


@pytest.mark.parametrize(
    "there, epoch, version",
    [
        ([], 7, 7),
        ([], None, 1),
        (["3"], 7, 7),
        (["7"], 7, 8),
        (["7", "12"], 7, 13),
        (["12"], None, 13),
        (["net-7.onnx"], 7, 8),
        (["net-7-float16.tflite"], 7, 8),
        (["other-7.onnx", ".7.55.part", "models.config"], 7, 7),
    ],
)
def test_versions(tmp_path, there, epoch, version):
    for name in there:
        (tmp_path / name).mkdir()
    assert next_version(tmp_path, "net", epoch) == version


def test_a_file_that_is_no_export_is_told_of_and_stays(tmp_path, capsys):
    pytest.importorskip("onnx", reason="needs dcgan-tf[export]")
    path = tmp_path / "net-3.onnx"
    path.write_bytes(b"no ONNX")
    assert same_version(tmp_path, "net", lambda version: {("onnx", f"net-{version}.onnx"): {}}) is None
    words = capsys.readouterr().out
    assert words.startswith(f"note: {path}: ") and words.endswith("; it stays as it is\n") and words.count("\n") == 1
    assert path.read_bytes() == b"no ONNX" and next_version(tmp_path, "net", 3) == 4
