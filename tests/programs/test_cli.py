import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from support import small_nets

import dcgan_tf
from dcgan_tf import cli
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.config.checks import check
from dcgan_tf.config.examples import EXAMPLES
from dcgan_tf.config.parser import parse
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.nets.saved import save_model


@pytest.mark.parametrize(
    "arguments, line",
    [
        (["--epochs", "0"], "--epochs 0: must be at least 1"),
        (["--batch-size", "-4"], "--batch-size -4: must be at least 1"),
        (["--keep-last", "-1"], "--keep-last -1: must be at least 0"),
        (["--seed", "2147483648"], "--seed 2147483648: must be below 2147483648"),
        (["--learning-rate", "0"], "--learning-rate 0.0: must be above 0 and below 1, such as 0.0002"),
        (["--image-size", "99999"], "--image-size 99999 99999: must be a height and a width from 1 to 4096 pixels"),
        (["--image-size", "64", "0"], "--image-size 64 0: must be a height and a width from 1 to 4096 pixels"),
        (["--value-range", "1", "-1"], "--value-range 1 -1: the first number must be below the second, both finite"),
        (["--value-range", "0", "inf"], "--value-range 0 inf: the first number must be below the second, both finite"),
    ],
)
def test_a_value_out_of_range_is_one_line_and_exit_2(arguments, line, capsys):
    assert cli.train_main(arguments) == 2
    assert capsys.readouterr() == ("", f"error: {line}\n")


def test_a_wrong_flag_is_told_before_anything_slow_is_imported():
    code = (
        "import sys; from dcgan_tf import cli\n"
        "codes = [cli.train_main(words) for words in (['--epochs', '0'], ['--epoch', '3'], ['--help'])]\n"
        "print(codes, {'unittest', 'asyncio', 'tensorflow', 'matplotlib', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.endswith("\n[2, 2, 0] set()\n")
    assert done.stderr == (
        "error: --epochs 0: must be at least 1\nerror: --epoch: is no flag of this command: did you mean --epochs?\n"
    )


@pytest.fixture
def named(monkeypatch):
    """As where the command is on the path."""
    monkeypatch.setattr(cli, "program", lambda: "dcgan-tf")


@pytest.mark.parametrize("arguments", [[], ["help"], ["help", "help"], ["--help"], ["-h"]])
def test_alone_it_lists_its_commands(named, arguments, capsys):
    assert cli.main(arguments) == 0
    shown, err = capsys.readouterr()
    assert shown.startswith("usage: dcgan-tf COMMAND [flags]\n\nTrain a GAN on your own images")
    assert [line.strip() for line in shown.split("\n") if line.startswith("  ") and line[2] != " "] == list(
        cli.COMMANDS
    )
    assert err == ""


@pytest.mark.parametrize(
    "arguments", [["help", "animate"], ["animate", "-h"], ["animate", "x", "--fps", "2", "--help"]]
)
def test_the_help_of_one_command(named, arguments, capsys):
    assert cli.main(arguments) == 0
    assert capsys.readouterr().out.startswith("usage: dcgan-tf animate RUN [flags]\n\nMake training.gif")


def test_every_command_has_an_example_that_parses():
    assert set(EXAMPLES) == set(cli.COMMANDS)
    for name, examples in EXAMPLES.items():
        assert examples
        for _, words in examples:
            check(parse(cli.COMMANDS[name][0], words.split()))


@pytest.mark.parametrize("arguments", [["--version"], ["-V"], ["version"], ["train", "--version"]])
def test_the_version(arguments, capsys):
    assert cli.main(arguments) == 0
    assert capsys.readouterr().out.startswith(f"dcgan-tf {dcgan_tf.__version__} (python 3.")
    assert cli.train_main(["--version"]) == 0
    assert capsys.readouterr().out.startswith(f"dcgan-tf {dcgan_tf.__version__} (python 3.")


@pytest.mark.parametrize(
    "arguments, line",
    [
        (["trian"], "trian: is no command: did you mean train?"),
        (["TRAIN"], "TRAIN: is no command: did you mean train?"),
        ([""], f"'': is no command: give one of {', '.join(cli.COMMANDS)}"),
        (["help", "exprot"], "exprot: is no command: did you mean export?"),
        (["xyzzy\x1b"], f"xyzzy\\x1b: is no command: give one of {', '.join(cli.COMMANDS)}"),
        (["--epochs", "3"], "--epochs: a command goes first, such as dcgan-tf train --epochs 3"),
    ],
)
def test_what_is_no_command(named, arguments, line, capsys):
    assert cli.main(arguments) == 2
    assert capsys.readouterr() == ("", f"error: {line}\n")


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_sixty_columns_are_enough_and_no_word_is_broken(named, name, capsys, monkeypatch):
    shown = {}
    for columns in (60, 100):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert cli.main([name, "--help"]) == 0
        shown[columns] = capsys.readouterr().out
        assert max(map(len, shown[columns].split("\n"))) <= columns
    assert shown[60].split() == shown[100].split()
    assert "\x1b" not in shown[60]


def test_the_module_is_the_command(tmp_path):
    done = subprocess.run([sys.executable, "-m", "dcgan_tf", "trian"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "error: trian: is no command: did you mean train?\n")


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
        (lambda: open("no\x1b[2J/x"), 2, "error: no\\x1b[2J/x: No such file or directory\n"),
        (lambda: (_ for _ in ()).throw(UserError("two\nlines\x07")), 2, "error: two\\nlines\\x07\n"),
    ],
)
def test_exit_codes(work, code, err, capsys):
    assert cli.exit_code(work) == code
    assert capsys.readouterr() == ("", err)


@pytest.mark.parametrize("name, code", [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_lets_the_clean_up_run(name, code):
    if not hasattr(signal, name):
        pytest.skip(f"this system has no {name}")
    with pytest.raises(SystemExit) as ended:
        cli.exit_code(lambda: os.kill(os.getpid(), getattr(signal, name)))
    assert ended.value.code == code


@pytest.mark.parametrize("bug", [ZeroDivisionError(), OSError("no file of anybody's")])
def test_a_bug_of_ours_is_a_traceback(bug):
    with pytest.raises(type(bug)):
        cli.exit_code(lambda: (_ for _ in ()).throw(bug))


def test_names_that_no_terminal_can_print_are_escaped():
    assert printable("a\udce9b\nc") == "a\\udce9b\\nc"


def test_animate_makes_the_film_of_a_run(tmp_path, capsys):
    (tmp_path / "picture").mkdir()
    for epoch in (1, 2):
        Image.fromarray(np.full([20, 20], 60 * epoch, np.uint8)).save(
            tmp_path / "picture" / f"image_at_epoch_000{epoch}.png"
        )
    assert cli.main(["animate", str(tmp_path)]) == 0
    assert cli.main(["animate", str(tmp_path), "--format", "mp4", "--fps", "2"]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/training.gif\n{tmp_path}/training.mp4\n"
    with Image.open(tmp_path / "training.gif") as film:
        assert film.n_frames == 2


def test_animate_without_pictures_is_one_line(tmp_path, capsys):
    assert cli.main(["animate", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path}/picture: an animation needs image_at_*.png, but there is none: "
        "give the folder of a run that has drawn its first samples\n"
    )


def test_train_is_a_subcommand_with_the_same_flags(capsys):
    assert cli.main(["train", "--epochs", "0"]) == 2
    assert capsys.readouterr().err == "error: --epochs 0: must be at least 1\n"


def test_pictures_and_films_of_a_generator(tmp_path, capsys):
    save_model(small_nets.generator(), tmp_path / "epoch3_Gmodel.h5")
    source, out = str(tmp_path / "epoch3_Gmodel.h5"), tmp_path / "pictures"
    assert cli.main(["generate", source, "--count", "2", "--seed", "9", "--out", str(out), "--grid"]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["grid.png", "seed0009.png", "seed0010.png"]
    film = tmp_path / "walk.gif"
    assert cli.main(["interpolate", source, "--seeds", "9", "10", "--frames", "4", "--out", str(film)]) == 0
    note = (
        "note: epoch3_Gmodel does not say which latents it was trained on: normal ones are taken; if the pictures look wrong, "
        "try --latents uniform\n"
    )
    assert capsys.readouterr().out == (
        f"{note}{out}: 2 pictures of epoch 3, seed0009.png to seed0010.png; 1 contact sheet, grid.png\n"
        f"{note}{film}: 4 frames of epoch 3, a loop over 2 seeds: 0.08 s from one seed to the next, 0.16 s in all\n"
    )
    with Image.open(film) as opened:
        assert opened.n_frames == 4
    assert cli.main(["generate", source, "--out", str(out), "--truncation", "0"]) == 2
    assert capsys.readouterr().err == "error: --truncation 0: must be above 0 and at most 1, such as 0.7\n"
