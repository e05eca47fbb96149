import errno
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from support.films import gif_frames, mp4_frames
from support.helpers import error_of

from dcgan_tf import cli
from dcgan_tf.common.errors import UserError
from dcgan_tf.common.install import install_command
from dcgan_tf.config.checks import check
from dcgan_tf.config.commands import GenerateConfig, InterpolateConfig
from dcgan_tf.generators import generate, latents
from dcgan_tf.pictures import film
from dcgan_tf.pictures.sheet import contact_sheet


class FakeGenerator:
    """Makes images [8, 6, C] that show two latents as greys, each latent times 4 modulo 256.

    Rows 0..3 show the first latent, rows 4..7 the second.
    """

    latent_dim, distribution, origin, classes, class_names, labels = 2, "uniform", "epoch 7 (the newest)", 0, (), ()

    def __init__(self, channels=1):
        self.image_shape = (8, 6, channels)
        self.batches = []  # the latents of each call

    def labels_of(self, seeds):
        return None

    def images(self, latents, labels=None):
        assert labels is None and isinstance(latents, np.ndarray) and latents.dtype == np.float32
        self.batches.append(latents)
        levels = np.rint(latents * 4 % 256).astype(np.uint8).repeat(4, axis=1)  # [n, 8]
        return np.broadcast_to(levels[:, :, None, None], [len(latents), *self.image_shape])


@pytest.fixture
def fake(monkeypatch):
    """A FakeGenerator that every source opens; the latents of a seed are (seed, 5)."""
    generator = FakeGenerator()
    generator.opened = []

    def open_generator(source, epoch, latents, **_):
        generator.opened.append((source, epoch, latents))
        return generator

    def seed_latents(seeds, latent_dim, distribution):
        assert seeds.dtype == np.int32 and (latent_dim, distribution) == (2, "uniform")
        return np.stack([seeds, np.full_like(seeds, 5)], axis=1).astype(np.float32)

    monkeypatch.setitem(sys.modules, "dcgan_tf.generators.generator", SimpleNamespace(open_generator=open_generator))
    monkeypatch.setattr(latents, "seed_latents", seed_latents)
    return generator


def image(first, second=5, channels=1):
    """The image that FakeGenerator makes of latents (first, second)."""
    column = np.array([4 * first % 256] * 4 + [4 * second % 256] * 4, np.uint8)
    return np.broadcast_to(column[:, None, None], [8, 6, channels])


def read(path):
    """[h, w, C] of a PNG."""
    with Image.open(path) as opened:
        pixels = np.asarray(opened)
        return pixels[..., None] if opened.mode == "L" else pixels


def files(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


# ---------------------------------------------------------------------------------------------- generate


@pytest.mark.parametrize("channels", [1, 3])
def test_one_picture_for_each_seed(tmp_path, fake, capsys, channels):
    fake.image_shape = (8, 6, channels)
    out = tmp_path / "new" / "out"
    generate.generate(GenerateConfig("run", str(out), count=3, seed=9, epoch=7, latents="normal"))
    assert fake.opened == [("run", 7, "normal")]
    assert files(out) == ["seed0009.png", "seed0010.png", "seed0011.png"]
    for seed in (9, 10, 11):
        np.testing.assert_array_equal(read(out / f"seed{seed:04d}.png"), image(seed, channels=channels))
    assert capsys.readouterr() == (f"{out}: 3 pictures of epoch 7 (the newest), seed0009.png to seed0011.png\n", "")


def test_defaults_are_64_pictures_from_seed_1(tmp_path, fake):
    generate.generate(GenerateConfig("run", str(tmp_path)))
    assert fake.opened == [("run", None, "auto")]
    assert files(tmp_path) == [f"seed{seed:04d}.png" for seed in range(1, 65)]


def test_the_highest_seed_is_the_last_int32(tmp_path, fake, capsys):
    fake.origin = ""
    generate.generate(GenerateConfig("run", str(tmp_path), count=1, seed=2**31 - 1))
    assert files(tmp_path) == ["seed2147483647.png"]
    assert capsys.readouterr().out == f"{tmp_path}: 1 picture, seed2147483647.png\n"


def test_truncation_scales_the_latents(tmp_path, fake):
    generate.generate(GenerateConfig("run", str(tmp_path), count=2, seed=10, truncation=0.5))
    [batch] = fake.batches
    np.testing.assert_array_equal(batch, [[5, 2.5], [5.5, 2.5]])
    np.testing.assert_array_equal(read(tmp_path / "seed0011.png"), image(5.5, 2.5))


def test_many_pictures_are_made_64_at_a_time(tmp_path, fake):
    generate.generate(GenerateConfig("run", str(tmp_path), count=130, seed=0))
    assert [len(batch) for batch in fake.batches] == [64, 64, 2]
    np.testing.assert_array_equal(np.concatenate(fake.batches)[:, 0], np.arange(130))


def test_pictures_are_written_before_the_next_are_made(tmp_path, fake):
    make, on_disk = fake.images, []

    def watched(latents, labels):
        on_disk.append(len(files(tmp_path)))
        return make(latents, labels)

    fake.images = watched
    generate.generate(GenerateConfig("run", str(tmp_path), count=150, grid=True))
    assert on_disk == [0, 64, 128 + 1]  # The first contact sheet is there, too.


def test_a_single_sheet(tmp_path, fake, capsys):
    generate.generate(GenerateConfig("run", str(tmp_path), count=5, seed=20, grid=True))
    assert files(tmp_path) == ["grid.png", *(f"seed{seed:04d}.png" for seed in range(20, 25))]
    seeds = range(20, 25)
    labelled = contact_sheet(np.stack([image(seed) for seed in seeds]), ["20", "21", "22", "23", "24"])
    np.testing.assert_array_equal(read(tmp_path / "grid.png"), labelled)
    assert capsys.readouterr().out == (
        f"{tmp_path}: 5 pictures of epoch 7 (the newest), seed0020.png to seed0024.png; 1 contact sheet, grid.png\n"
    )


def test_a_hundred_pictures_are_a_single_sheet(tmp_path, fake):
    generate.generate(GenerateConfig("run", str(tmp_path), count=100, grid=True))
    assert [name for name in files(tmp_path) if "grid" in name] == ["grid.png"]


def test_more_sheets_are_named_by_their_seeds_and_the_last_may_be_smaller(tmp_path, fake, capsys):
    generate.generate(GenerateConfig("run", str(tmp_path), count=203, grid=True))
    sheets = [name for name in files(tmp_path) if "grid" in name]
    assert sheets == ["grid_0001-0100.png", "grid_0101-0200.png", "grid_0201-0203.png"]
    for name, first, count in zip(sheets, (1, 101, 201), (100, 100, 3), strict=True):
        seeds = range(first, first + count)
        expected = contact_sheet(np.stack([image(seed) for seed in seeds]), [str(seed) for seed in seeds])
        np.testing.assert_array_equal(read(tmp_path / name), expected)
    assert capsys.readouterr().out == (
        f"{tmp_path}: 203 pictures of epoch 7 (the newest), seed0001.png to seed0203.png; "
        "3 contact sheets, grid_0001-0100.png to grid_0201-0203.png\n"
    )


def test_pictures_have_the_size_that_is_asked_for(tmp_path, fake):
    for out, flags in (("sharp", {"scale": 3}), ("smooth", {"size": 24})):
        generate.generate(GenerateConfig("run", str(tmp_path / out), count=1, grid=True, **flags))
    np.testing.assert_array_equal(read(tmp_path / "sharp/seed0001.png"), image(1).repeat(3, axis=0).repeat(3, axis=1))
    smooth = read(tmp_path / "smooth/seed0001.png")
    assert smooth.shape == (24, 18, 1) and len(np.unique(smooth)) > 2
    for out in ("sharp", "smooth"):  # A sheet has a size of its own.
        np.testing.assert_array_equal(read(tmp_path / out / "grid.png"), contact_sheet(image(1)[None], ["1"]))


def test_a_size_that_no_picture_can_have_leaves_nothing(tmp_path, fake):
    words = "makes 24576x32768 pixels of 6x8, and 16384 a side are the most: give a smaller one"
    for wanted in (
        GenerateConfig("run", str(tmp_path / "out"), scale=4096),
        InterpolateConfig("run", (1, 2), str(tmp_path / "out.gif"), scale=4096),
    ):
        run = generate.generate if isinstance(wanted, GenerateConfig) else generate.interpolate
        assert error_of(run, wanted) == f"--scale 4096: {words}"
    assert files(tmp_path) == [] and fake.batches == []


def test_interrupted_pictures_are_whole_or_absent(tmp_path, fake, monkeypatch):
    save = Image.Image.save

    def interrupted(self, path, *arguments):
        if "seed0003" in str(path):
            path.write_bytes(b"half")
            raise KeyboardInterrupt
        save(self, path, *arguments)

    monkeypatch.setattr(Image.Image, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        generate.generate(GenerateConfig("run", str(tmp_path), count=5, grid=True))
    assert files(tmp_path) == ["seed0001.png", "seed0002.png"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"count": 0}, "--count 0: must be at least 1"),
        ({"seed": -1}, "--seed -1: must be at least 0"),
        (
            {"seed": 2**31 - 64, "count": 65},
            "--seed 2147483584 --count 65: the last seed must be below 2147483648",
        ),
        ({"truncation": 0.0}, "--truncation 0: must be above 0 and at most 1, such as 0.7"),
        ({"truncation": 1.5}, "--truncation 1.5: must be above 0 and at most 1, such as 0.7"),
        ({"truncation": float("nan")}, "--truncation nan: must be above 0 and at most 1, such as 0.7"),
        ({"epoch": 0}, "--epoch 0: must be at least 1"),
        ({"size": 0}, "--size 0: must be from 1 to 16384 pixels"),
        ({"size": 16_385}, "--size 16385: must be from 1 to 16384 pixels"),
        ({"scale": 0}, "--scale 0: must be at least 1"),
        (
            {"size": 512, "scale": 8},
            "--size 512 --scale 8: give one of them: --size enlarges smoothly, --scale sharply",
        ),
    ],
)
def test_generate_refuses_values_out_of_range(tmp_path, fake, flags, message):
    wanted = GenerateConfig("run", str(tmp_path / "out"), **flags)
    assert error_of(check, wanted) == message
    assert error_of(cli.generate, wanted) == message
    assert fake.opened == [] and files(tmp_path) == []


def test_generate_refuses_a_file_as_folder(tmp_path, fake):
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    for out in (path, path / "new" / "er"):
        message = error_of(generate.generate, GenerateConfig("run", str(out)))
        assert message == f"--out {out}: {path} is a file, must be a folder: give another"
    assert fake.opened == [] and path.read_text() == "mine"


def test_a_name_that_the_system_refuses_is_one_line(tmp_path, fake):
    out = tmp_path / f"{'x' * 300}.gif"
    with pytest.raises(OSError) as system:
        out.stat()
    message = f"--out {out}: {system.value.strerror}: give another"
    assert error_of(generate.generate, GenerateConfig("run", str(out))) == message
    assert error_of(generate.interpolate, InterpolateConfig("run", (1, 2), str(out))) == message
    assert fake.opened == []


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "no space left on the disk for {}: free some space and run the same command again",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied"),
            "{}: cannot be written (Permission denied): make its folder writable, or give another",
        ),
    ],
)
def test_a_place_that_takes_no_files_is_one_line(tmp_path, fake, monkeypatch, error, message):
    def fails(self, *arguments, **options):
        raise error

    monkeypatch.setattr("pathlib.Path.touch", fails)
    out = tmp_path / "out"
    assert error_of(generate.generate, GenerateConfig("run", str(out))) == message.format(out / "seed0001.png")
    for path in (out / "walk.gif", out / "walk.mp4"):
        assert error_of(generate.interpolate, InterpolateConfig("run", (1, 2), str(path))) == message.format(path)
    assert files(out) == []


# ---------------------------------------------------------------------------------------------- interpolate


def test_a_gif_loops_over_the_seeds_in_their_order(tmp_path, fake, capsys):
    out = tmp_path / "new" / "walk.gif"
    generate.interpolate(InterpolateConfig("run", (30, 10, 50), str(out), frames=6, epoch=7, latents="uniform"))
    assert fake.opened == [("run", 7, "uniform")]
    frames, durations, loop = gif_frames(out)
    assert (durations, loop) == ([40] * 6, 0)
    for frame, first in zip(frames, (30, 20, 10, 30, 50, 40), strict=True):
        enlarged = image(first, channels=3).repeat(64, axis=0).repeat(64, axis=1)  # from 8 to 512 pixels high
        np.testing.assert_array_equal(frame, enlarged)
    assert files(tmp_path / "new") == ["walk.gif"]
    assert capsys.readouterr() == (
        f"{out}: 6 frames of epoch 7 (the newest), a loop over 3 seeds: "
        "0.08 s from one seed to the next, 0.24 s in all\n",
        "",
    )


def test_a_gif_says_the_time_that_it_takes_and_an_mp4_too(tmp_path, fake, capsys):
    for name in ("walk.gif", "walk.mp4"):  # A GIF shows a frame for 0.03 s, not for a thirtieth.
        generate.interpolate(InterpolateConfig("run", (1, 2), str(tmp_path / name), frames=60, fps=30.0, scale=4))
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith(": 0.9 s from one seed to the next, 1.8 s in all")
    assert second.endswith(": 1 s from one seed to the next, 2 s in all")


def test_a_film_has_the_size_that_is_asked_for(tmp_path, fake):
    out = tmp_path / "walk.mp4"
    generate.interpolate(InterpolateConfig("run", (10, 50), str(out), frames=2, size=101))
    assert mp4_frames(out)[1]["size"] == (76, 102)  # 75.75 x 101, made even


def test_an_mp4_has_as_many_frames_as_asked(tmp_path, fake):
    fake.image_shape = (8, 6, 3)
    out = tmp_path / "walk.MP4"
    generate.interpolate(InterpolateConfig("run", (10, 50), str(out), frames=7, fps=12.5))
    frames, about = mp4_frames(out)
    assert (about["codec"], about["fps"], about["size"], len(frames)) == ("h264", 12.5, (384, 512), 7)
    for frame, twice in zip(frames, (0, 2, 4, 6, 6, 4, 2), strict=True):  # in sevenths of the way from 10 to 50
        level = 4 * (10 + 40 * twice / 7)
        assert abs(frame[120, 180].astype(int) - level).max() <= 4


def test_a_walk_is_made_64_frames_at_a_time_and_truncated(tmp_path, fake):
    out = tmp_path / "walk.gif"
    generate.interpolate(InterpolateConfig("run", (0, 40), str(out), frames=160, truncation=0.5))
    assert [len(batch) for batch in fake.batches] == [64, 64, 32]
    first, second = np.concatenate(fake.batches).T
    np.testing.assert_allclose(first, np.concatenate([np.arange(80), 80 - np.arange(80)]) / 80 * 40 * 0.5, atol=1e-5)
    np.testing.assert_array_equal(second, np.full(160, 2.5))


def test_normal_latents_keep_their_length_on_the_way(fake, tmp_path, monkeypatch):
    monkeypatch.setattr(fake, "distribution", "normal", raising=False)
    corners = {1: [3, 0], 2: [0, 3]}
    monkeypatch.setattr(latents, "seed_latents", lambda seeds, *_: np.array([corners[s] for s in seeds], np.float32))
    generate.interpolate(InterpolateConfig("run", (1, 2), str(tmp_path / "walk.gif"), frames=4))
    half = 3 * 0.5**0.5
    np.testing.assert_allclose(fake.batches[0], [[3, 0], [half, half], [0, 3], [half, half]], atol=1e-5)


def test_a_walk_passes_the_pictures_that_generate_makes(fake, tmp_path, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setitem(
        sys.modules, "dcgan_tf.generators.generator", SimpleNamespace(open_generator=lambda *_, **__: fake)
    )
    for distribution in ("normal", "uniform"):
        fake.distribution, fake.latent_dim = distribution, 100
        fake.images = lambda latents, labels: (
            fake.batches.append(latents) or np.zeros([len(latents), 2, 2, 1], np.uint8)
        )
        fake.batches.clear()
        generate.generate(GenerateConfig("run", str(tmp_path), count=3, truncation=0.7))
        generate.interpolate(InterpolateConfig("run", (3, 1, 2), str(tmp_path / "a.gif"), frames=6, truncation=0.7))
        singles, walk = fake.batches
        np.testing.assert_array_equal(walk[[0, 2, 4]], singles[[2, 0, 1]])


@pytest.mark.parametrize("name", ["walk.gif", "walk.mp4"])
def test_an_interrupted_film_leaves_the_older_one(tmp_path, fake, name):
    (tmp_path / name).write_bytes(b"the older one")
    make = fake.images

    def interrupted(latents, labels):
        if fake.batches:
            raise KeyboardInterrupt
        return make(latents, labels)

    fake.images = interrupted
    with pytest.raises(KeyboardInterrupt):
        generate.interpolate(InterpolateConfig("run", (1, 2), str(tmp_path / name), frames=100))
    assert files(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == b"the older one"


TOO_FEW = (
    "must be at least 2 seeds, such as --seeds 1 2, or one and 2 classes or more, such as --seeds 1 --labels cat dog"
)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"seeds": (1,)}, f"--seeds 1: {TOO_FEW}"),
        ({"seeds": (1,), "labels": ("cat",)}, f"--seeds 1: {TOO_FEW}"),
        ({"seeds": (), "labels": ("cat", "dog")}, f"--seeds: {TOO_FEW}"),
        ({"seeds": (1, -2)}, "--seeds 1 -2: each must be at least 0 and below 2147483648"),
        ({"seeds": (2**31, 1)}, "--seeds 2147483648 1: each must be at least 0 and below 2147483648"),
        (
            {"size": 512, "scale": 8},
            "--size 512 --scale 8: give one of them: --size enlarges smoothly, --scale sharply",
        ),
        ({"frames": 3}, "--frames 3: must be at least the number of seeds, 4"),
        (
            {"seeds": (1,), "labels": ("a", "b", "c"), "frames": 2},
            "--frames 2: must be at least the number of classes in --labels, 3",
        ),
        ({"fps": 0.5}, "--fps 0.5: must be from 1 to 50"),
        ({"fps": float("nan")}, "--fps nan: must be from 1 to 50"),
        ({"out": "walk.avi"}, "--out walk.avi: must end in .gif or .mp4"),
        ({"out": "walk"}, "--out walk: must end in .gif or .mp4"),
        ({"out": ".gif"}, "--out .gif: must end in .gif or .mp4"),
        ({"truncation": -0.5}, "--truncation -0.5: must be above 0 and at most 1, such as 0.7"),
        ({"epoch": -1}, "--epoch -1: must be at least 1"),
    ],
)
def test_interpolate_refuses_values_out_of_range(tmp_path, fake, monkeypatch, flags, message):
    monkeypatch.chdir(tmp_path)
    wanted = InterpolateConfig(**({"source": "run", "seeds": (1, 2, 3, 4), "out": "walk.gif"} | flags))
    assert error_of(check, wanted) == message
    assert error_of(cli.interpolate, wanted) == message
    assert fake.opened == [] and files(tmp_path) == []


def test_interpolate_refuses_a_folder_as_file_and_a_file_as_folder(tmp_path, fake):
    folder, file = tmp_path / "walk.gif", tmp_path / "notes.txt"
    folder.mkdir()
    file.touch()
    message = error_of(generate.interpolate, InterpolateConfig("run", (1, 2), str(folder)))
    assert message == f"--out {folder}: {folder} is a folder, must be a file: give another"
    message = error_of(generate.interpolate, InterpolateConfig("run", (1, 2), str(file / "walk.gif")))
    assert message == f"--out {file / 'walk.gif'}: {file} is a file, must be a folder: give another"
    assert fake.opened == []


def test_interpolate_without_ffmpeg(tmp_path, fake, monkeypatch):
    def no_encoder():
        raise film.NoEncoder

    monkeypatch.setattr(film, "_ffmpeg", no_encoder)
    out = tmp_path / "walk.mp4"
    assert error_of(generate.interpolate, InterpolateConfig("run", (1, 2), str(out))) == (
        f"--out {out}: needs ffmpeg with H.264: {install_command(['imageio-ffmpeg'])}, or give a name that ends in .gif"
    )
    assert files(tmp_path) == []


@pytest.mark.parametrize("name", ["new/out", "new/walk.gif"])
def test_a_source_that_is_refused_leaves_nothing(tmp_path, monkeypatch, name):
    def refuses(*_, **__):
        raise UserError("nothing: is no run")

    monkeypatch.setitem(sys.modules, "dcgan_tf.generators.generator", SimpleNamespace(open_generator=refuses))
    out = str(tmp_path / name)
    if name.endswith("gif"):
        assert error_of(generate.interpolate, InterpolateConfig("nothing", (1, 2), out)) == "nothing: is no run"
    else:
        assert error_of(generate.generate, GenerateConfig("nothing", out)) == "nothing: is no run"
    assert files(tmp_path) == []
