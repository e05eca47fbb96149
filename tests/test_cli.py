import pytest

from dcgan_tf import cli
from dcgan_tf.config import TrainConfig, check
from dcgan_tf.errors import UserError, printable


@pytest.mark.parametrize(
    "arguments, line",
    [
        (["--epochs", "0"], "--epochs 0: must be at least 1"),
        (["--batch-size", "-4"], "--batch-size -4: must be at least 1"),
        (["--keep-last", "-1"], "--keep-last -1: must be at least 0"),
        (["--seed", "2147483648"], "--seed 2147483648: must be below 2147483648"),
        (["--learning-rate", "0"], "--learning-rate 0.0: must be above 0 and below 1, such as 0.0002"),
        (["--image-size", "64", "0"], "--image-size 64 0: must be a height and a width of at least 1 pixel"),
        (["--value-range", "1", "-1"], "--value-range 1 -1: the first number must be below the second, both finite"),
        (["--value-range", "0", "inf"], "--value-range 0 inf: the first number must be below the second, both finite"),
    ],
)
def test_a_value_out_of_range_is_one_line_and_exit_2(arguments, line, capsys):
    assert cli.train_main(arguments) == 2
    assert capsys.readouterr() == ("", f"error: {line}\n")


@pytest.mark.parametrize("arguments", [["--epoch", "3"], ["--preset", "faces"], ["--epochs", "many"]])
def test_flags_that_do_not_parse_exit_2(arguments, capsys):
    with pytest.raises(SystemExit) as exit:
        cli.train_main(arguments)
    assert exit.value.code == 2


def test_defaults_are_in_range():
    assert check(TrainConfig()) is None


@pytest.mark.parametrize(
    "work, code, err",
    [
        (lambda: 0, 0, ""),
        (lambda: 2, 130, ""),
        (lambda: 15, 143, ""),
        (
            lambda: (_ for _ in ()).throw(UserError("x.npy: is empty: give images")),
            2,
            "error: x.npy: is empty: give images\n",
        ),
        (lambda: (_ for _ in ()).throw(KeyboardInterrupt), 130, ""),
    ],
)
def test_exit_codes(work, code, err, capsys):
    assert cli.exit_code(work) == code
    assert capsys.readouterr() == ("", err)


def test_a_bug_of_ours_is_a_traceback():
    with pytest.raises(ZeroDivisionError):
        cli.exit_code(lambda: 1 // 0)


def test_names_that_no_terminal_can_print_are_escaped():
    assert printable("a\udce9b\nc") == "a\\udce9b\\nc"
