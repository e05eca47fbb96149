import shutil

import pytest
from support import small_nets
from support.helpers import error_of
from support.settings import settings

from dcgan_tf.generators.find import Found, find, latent_distribution, spans
from dcgan_tf.nets.saved import save_model
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.settings import write_settings

KINDS = "give a run's folder such as checkpoints/paints200, or a generator's .h5 or .keras file"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run's folder with the models of epochs 2, 3, 4 and 9."""
    folder = tmp_path_factory.mktemp("runs") / "squares"
    folder.mkdir()
    for epoch in (2, 3, 4, 9):
        save_model(small_nets.generator(), folder / f"epoch{epoch}_Gmodel.h5")
    save_model(small_nets.discriminator(), folder / "epoch9_Dmodel.h5")
    write_settings(RunFolder(folder), settings(latents="uniform"))
    return folder


def test_a_run_s_newest_epoch_is_taken(run):
    found = find(str(run))
    files = run / "epoch9_Gmodel.h5", run / "epoch9_Dmodel.h5"
    assert found == Found("keras", files[0], "squares", 9, files[1], found.settings, "the newest")
    assert found.settings.preset.latents == "uniform"


def test_the_best_epoch_is_taken_where_one_was_measured(run, tmp_path):
    shutil.copytree(run, tmp_path / "measured")
    (tmp_path / "measured" / "best.json").write_text('{"epoch": 3, "swd": 45.4}')
    assert [find(str(tmp_path / "measured"), epoch).epoch for epoch in (None, "best", "newest", 2)] == [3, 3, 9, 2]
    assert error_of(find, str(run), "best") == (
        f"--epoch best: {run} has measured none: give a number, or --epoch newest"
    )


def test_why_an_epoch_was_taken_is_said(run, tmp_path):
    measured = tmp_path / "measured"
    shutil.copytree(run, measured)
    (measured / "best.json").write_text('{"epoch": 3, "swd": 45.44}')
    assert [find(str(measured), epoch).origin for epoch in (None, "best", "newest", 9)] == [
        "epoch 3 (the best, SWD 45.4)",
        "epoch 3 (the best, SWD 45.4)",
        "epoch 9 (the newest)",
        "epoch 9",
    ]
    assert find(str(run / "epoch9_Gmodel.h5")).origin == "epoch 9"
    save_model(small_nets.generator(), tmp_path / "net.h5")
    assert find(str(tmp_path / "net.h5")).origin == ""


def test_an_epoch_may_be_asked_for_and_its_discriminator_be_missing(run):
    found = find(str(run), 3)
    assert (found.path.name, found.epoch, found.discriminator) == ("epoch3_Gmodel.h5", 3, None)


def test_a_run_s_file_by_itself_brings_what_lies_beside_it(run):
    found = find(str(run / "epoch9_Gmodel.h5"))
    assert (found.name, found.epoch, found.discriminator) == ("epoch9_Gmodel", 9, run / "epoch9_Dmodel.h5")
    assert found.settings.preset.latents == "uniform"


def test_an_epoch_that_is_gone_is_one_line_with_those_that_are_kept(run):
    assert error_of(find, str(run), 5) == (f"--epoch 5: {run} has no models of that epoch (any more); it has 2-4, 9")


@pytest.mark.parametrize(
    "asked, said, sizes, wanted",
    [
        ("normal", "uniform", (96, (28, 28, 1)), "normal"),
        ("auto", "uniform", (100, (64, 64, 3)), "uniform"),
        ("auto", "normal", (96, (28, 28, 1)), "normal"),
        ("auto", None, (96, (28, 28, 1)), "uniform"),  # as the preset mnist
        ("auto", None, (96, (28, 28, 3)), "normal"),
        ("auto", None, (100, (64, 64, 3)), "normal"),
    ],
)
def test_what_latents_a_net_was_trained_on(asked, said, sizes, wanted):
    assert latent_distribution(asked, said, *sizes) == wanted


@pytest.mark.parametrize(
    "numbers, text", [([1], "1"), ([1, 2], "1-2"), ([1, 3, 4, 5, 50, 336, 337], "1, 3-5, 50, 336-337")]
)
def test_spans(numbers, text):
    assert spans(numbers) == text


def test_what_holds_no_generator_is_one_line(run, tmp_path):
    assert error_of(find, str(tmp_path)) == (
        f"{tmp_path}: holds no saved model, or none yet (each epoch saves one at its end): {KINDS}"
    )
    assert error_of(find, f"{tmp_path}/no") == f"{tmp_path}/no: there is no such file or folder: {KINDS}"
    file = run / "epoch2_Gmodel.h5"
    assert error_of(find, str(file), 2) == (
        f"--epoch 2: {file} is not a run's folder with saved models: leave --epoch out"
    )
    long = "x" * 300
    assert error_of(find, long) == f"{long}: cannot be read (File name too long): {KINDS}"


def test_how_many_images_its_discriminator_judges_at_once(run):
    assert find(str(run)).packing == 1
    assert Found("keras", run, "x", settings=settings(packing=2)).packing == 2
    assert Found("onnx", run, "x").packing == 1


def test_the_newest_version_of_an_export_is_taken_and_named_after_its_folder(tmp_path):
    for version in ("8", "9"):
        (tmp_path / "squares" / version).mkdir(parents=True)
        (tmp_path / "squares" / version / "saved_model.pb").touch()
    versions, one = find(str(tmp_path / "squares")), find(str(tmp_path / "squares" / "9"))
    assert versions.name == one.name == "squares"
    assert (versions.path, versions.epoch) == (one.path, one.epoch) == (tmp_path / "squares" / "9", 9)


def test_a_best_epoch_that_is_lost_is_taken_from_the_log_with_a_note(run, tmp_path, capsys):
    folder = RunFolder(tmp_path / "measured")
    shutil.copytree(run, folder.path)
    folder.log.write_text('{"step": 9, "epoch": 3, "swd": 45.4}\n')
    assert [find(str(folder.path), epoch).epoch for epoch in (None, "best", "newest", 2)] == [3, 3, 9, 2]
    assert capsys.readouterr().out == (
        f"note: {folder.best}: is lost or damaged: by log.jsonl, the best of the epochs whose models are there is 3, "
        "with an SWD of 45.4\n"
    )


def test_a_damaged_config_is_an_error_of_a_run_and_a_note_of_a_file_by_itself(run, tmp_path, capsys):
    folder = RunFolder(tmp_path / "damaged")
    shutil.copytree(run, folder.path)
    folder.config.write_text("{")
    line = error_of(find, str(folder.path))
    assert line.startswith(f"{folder.config}: cannot be read (") and line.endswith("restore it, or give another folder")
    found = find(str(folder.generator(9)))
    assert (found.epoch, found.discriminator, found.settings) == (9, folder.discriminator(9), None)
    assert capsys.readouterr().out == f"note: {line}; until then epoch9_Gmodel.h5 is taken as a file of no run\n"


@pytest.mark.parametrize("name", ["epoch007_Gmodel.h5", "epoch٣_Gmodel.h5"])
def test_a_file_whose_name_no_run_writes_is_no_epoch(run, tmp_path, name):
    shutil.copytree(run, tmp_path / "odd")
    shutil.copy(run / "epoch9_Gmodel.h5", tmp_path / "odd" / name)
    assert find(str(tmp_path / "odd"), "newest").epoch == 9
    assert find(str(tmp_path / "odd" / name)).path.name == name


@pytest.mark.parametrize(
    "name", ["training_checkpoints", "training_checkpoints/ckpt-3", "training_checkpoints/ckpt-3.index"]
)
def test_a_checkpoint_of_tensorflow_is_named_by_its_folder_a_file_or_what_its_files_share(tmp_path, name):
    folder = tmp_path / "training_checkpoints"
    folder.mkdir()
    for ending in (".index", ".data-00000-of-00001"):
        (folder / f"ckpt-3{ending}").touch()
    found = find(str(tmp_path / name))
    assert (found.kind, found.path, found.epoch, found.settings) == ("keras", tmp_path / name, None, None)
    assert error_of(find, str(folder / "ckpt-4")) == f"{folder}/ckpt-4: there is no such file or folder: {KINDS}"
