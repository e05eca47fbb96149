import json
import math
import os
import shutil
import struct
import subprocess
import sys
import weakref
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.films import gif_frames, mp4_frames
from support.helpers import error_of

from dcgan_tf.common.errors import UserError
from dcgan_tf.common.install import install_command
from dcgan_tf.pictures import animation
from dcgan_tf.pictures.enlarge import AS_IT_IS, Resize
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.pictures import sample_pictures


def make_run(run, epochs, size=(300, 200), mode="L", seed=0):
    """A run with a picture of noise per epoch; size (width, height)."""
    random = np.random.default_rng(seed)
    (run / "picture").mkdir(parents=True, exist_ok=True)
    channels = [] if mode == "L" else [3]
    for epoch in epochs:
        pixels = random.integers(0, 256, [size[1], size[0], *channels], np.uint8)
        Image.fromarray(pixels).save(run / "picture" / f"image_at_epoch_{epoch:04d}.png", compress_level=1)
    return run


def picture(run, epoch):
    """As it is in a frame: twice as large, so that the longer side has 512 pixels at least."""
    with Image.open(run / "picture" / f"image_at_epoch_{epoch:04d}.png") as opened:
        return np.asarray(opened.convert("RGB")).repeat(2, axis=0).repeat(2, axis=1)


def files(run):
    return sorted(path.name for path in run.iterdir())


def test_a_grey_gif_holds_every_pixel_of_every_sample(tmp_path):
    run = make_run(tmp_path / "run", [1, 2, 3])
    assert animation.animate(run) == run / "training.gif"
    frames, durations, loop = gif_frames(run / "training.gif")
    assert (durations, loop) == ([600, 600, 3000], 0)
    for epoch, frame in zip([1, 2, 3], frames, strict=True):
        # Captions are 25 pixels high at this width, their strip is twice as high.
        assert frame.shape == (400 + 50, 600, 3)
        np.testing.assert_array_equal(frame[:400], picture(run, epoch))
    assert files(run) == ["picture", "training.gif"]


def test_every_frame_carries_its_epoch(tmp_path):
    run = make_run(tmp_path / "run", [7, 8])
    Image.open(run / "picture/image_at_epoch_0007.png").save(run / "picture/image_at_epoch_0008.png")
    (seventh, eighth), _, _ = gif_frames(animation.animate(run))
    np.testing.assert_array_equal(seventh[:400], eighth[:400])
    for frame in (seventh, eighth):
        dark_rows, dark_columns = np.nonzero(frame[400:, :, 0] < 100)
        assert 10 < dark_rows.max() - dark_rows.min() < 30  # one line of text
        assert 60 < dark_columns.max() < 140  # some seven letters of it
    assert (seventh[400:] != eighth[400:]).any()


@pytest.mark.parametrize(
    ("count", "fps"),
    [(1, 5), (115, 5), (116, 100 / 19), (280, 100 / 9), (655, 25), (800, 25), (100_000, 25)],
)
def test_automatic_fps(count, fps):
    assert animation.automatic_fps(count) == fps


def test_up_to_655_frames_take_at_most_30_seconds():
    for count in range(2, 656):
        hundredths = 100 / animation.automatic_fps(count)
        assert math.isclose(hundredths, round(hundredths))
        assert (count - 1 + 2 * min(count - 1, 10)) * hundredths / 100 + 3 <= 30


def test_the_first_ten_frames_stay_for_three_times_as_long(tmp_path):
    run = make_run(tmp_path / "run", range(1, 14), size=(512, 4))
    assert gif_frames(animation.animate(run))[1] == [600] * 10 + [200] * 2 + [3000]


def test_pictures_at_steps_and_at_epochs_are_in_the_order_of_steps(tmp_path):
    """Epochs of 25 steps; pictures of before that were not enlarged are as large in the film as those of now."""
    run = make_run(tmp_path / "run", [1, 2], size=(82, 82))
    shutil.copy(Path(__file__).parents[1] / "golden/run/run/config.json", run)
    config = json.loads((run / "config.json").read_text())
    config.pop("checksum", None)
    (run / "config.json").write_text(json.dumps(config | {"steps_per_epoch": 25}))
    levels = {"step_000000": 0, "step_000010": 50, "epoch_0001": 100, "step_000040": 150, "epoch_0002": 200}
    for name, level in levels.items():
        side = 82 if name.startswith("epoch") else 574
        Image.new("L", (side, side), level).save(run / "picture" / f"image_at_{name}.png")
    frames, _, _ = gif_frames(animation.animate(run))
    assert [int(frame[0, 0, 0]) for frame in frames] == [0, 50, 100, 150, 200]
    assert {frame.shape for frame in frames} == {(574 + 46, 574, 3)}
    assert [picture.caption for picture in animation.sample_pictures(RunFolder(run))] == [
        "step 0", "step 10", "epoch 1", "step 40", "epoch 2",
    ]  # fmt: skip


@pytest.mark.parametrize(("fps", "milliseconds"), [(1, 1000), (24, 40), (30, 30), (50, 20), (12.5, 80)])
def test_asked_fps(tmp_path, fps, milliseconds):
    run = make_run(tmp_path / "run", [1, 2])
    assert gif_frames(animation.animate(run, fps=fps))[1] == [milliseconds, 3000]


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_mp4_plays_every_sample(tmp_path, mode):
    run = tmp_path / "run"
    (run / "picture").mkdir(parents=True)
    for epoch, level in enumerate([30, 130, 230], start=1):
        Image.new(mode, (301, 200), level if mode == "L" else (level, 60, 255 - level)).save(
            run / f"picture/image_at_epoch_{epoch:04d}.png"
        )
    assert animation.animate(run, "mp4", fps=10) == run / "training.mp4"
    frames, about = mp4_frames(run / "training.mp4")
    assert (about["codec"], about["fps"], about["size"]) == ("h264", 10, (602, 450))
    assert about["pix_fmt"] == "yuv420p(tv, bt709, progressive)"
    assert len(frames) == 2 + 30  # the last one for three seconds
    for frame, epoch in ((frames[0], 1), (frames[1], 2), (frames[2], 3), (frames[-1], 3)):
        # Away from the white strip: H.264 keeps colour at half the resolution. A wrong colour matrix errs by 10 or more.
        error = np.abs(frame[:380, :580].astype(int) - picture(run, epoch)[:380, :580])
        assert error.max() <= 4
    assert files(run) == ["picture", "training.mp4"]


def test_odd_and_damaged_pictures_are_left_out_with_a_warning(tmp_path, capsys):
    run = make_run(tmp_path / "run", [2, 4, 6])
    make_run(run, [1], size=(100, 50))
    make_run(run, [3], mode="RGB")
    whole = (run / "picture/image_at_epoch_0002.png").read_bytes()
    (run / "picture/image_at_epoch_0005.png").write_bytes(whole[: len(whole) // 2])
    (run / "picture/image_at_epoch_0007.png").write_bytes(b"")
    frames, _, _ = gif_frames(animation.animate(run))
    assert len(frames) == 3
    np.testing.assert_array_equal(frames[-1][:400], picture(run, 6))
    assert capsys.readouterr().err == (
        "warning: left out of the animation, as unreadable or unlike most: "
        "image_at_epoch_0001.png, image_at_epoch_0003.png, image_at_epoch_0005.png and 1 more\n"
    )


def test_a_picture_damaged_anywhere_never_stops_the_animation(tmp_path, capsys):
    run = make_run(tmp_path / "run", [1, 2], size=(16, 16))
    whole = (run / "picture/image_at_epoch_0002.png").read_bytes()
    damaged = run / "picture/image_at_epoch_0003.png"
    random = np.random.default_rng(0)
    for length in range(len(whole) - 12):  # without its last, empty chunk
        damaged.write_bytes(whole[:length])
        assert animation._usable(run, AS_IT_IS) == sample_pictures(RunFolder(run))[:2], length
    for place, flip in zip(range(len(whole)), random.integers(1, 256, len(whole)), strict=True):
        damaged.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
        for usable in animation._usable(run, AS_IT_IS):
            animation._draw(usable.path, usable.caption, Resize(factor=1))


def test_a_picture_that_breaks_as_it_is_decoded_is_left_out_with_a_note(tmp_path, monkeypatch, capsys):
    run, draw = make_run(tmp_path / "run", [1, 2, 3]), animation._draw

    def breaks(path, caption, resize):
        if caption in broken:
            raise OSError("image file is truncated")
        return draw(path, caption, resize)

    monkeypatch.setattr(animation, "_draw", breaks)
    broken = ["epoch 1", "epoch 3"]
    frames, _, _ = gif_frames(animation.animate(run))
    assert len(frames) == 1
    assert capsys.readouterr().out == "".join(
        f"note: {run}/picture/image_at_epoch_000{epoch}.png: left out of the animation (image file is truncated)\n"
        for epoch in (1, 3)
    )
    broken = ["epoch 1", "epoch 2", "epoch 3"]
    assert error_of(animation.animate, run) == f"{run}/picture: none of the pictures in it can be decoded: delete them"


def test_what_is_no_file_and_what_is_too_large_is_left_out(tmp_path, capsys):
    run = make_run(tmp_path / "run", [1])
    os.mkfifo(run / "picture/image_at_epoch_0002.png")
    (run / "picture/image_at_epoch_0003.png").mkdir()
    Image.new("L", (1, 100)).save(run / "picture/image_at_epoch_0004.png")  # 256 x 25600 as a frame
    header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 50_000, 50_000) + b"\x08\0\0\0\0"
    (run / "picture/image_at_epoch_0005.png").write_bytes(header + struct.pack(">I", zlib.crc32(header[12:])))
    frames, _, _ = gif_frames(animation.animate(run))
    assert len(frames) == 1
    assert (
        "image_at_epoch_0002.png, image_at_epoch_0003.png, image_at_epoch_0004.png and 1 more"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("names", "found"),
    [([], "there is none"), (["image_at_epoch_0001.png", "image_at_epoch_0002.png"], "none of the 2 can be read")],
)
def test_no_usable_picture(tmp_path, names, found):
    (tmp_path / "picture").mkdir()
    for name in names:
        (tmp_path / "picture" / name).write_bytes(b"no picture")
    with pytest.raises(UserError) as error:
        animation.animate(tmp_path)
    assert str(error.value) == (
        f"{tmp_path / 'picture'}: an animation needs image_at_*.png, but {found}: "
        "give the folder of a run that has drawn its first samples"
    )
    assert files(tmp_path) == ["picture"]


@pytest.mark.parametrize(
    ("format", "fps", "message"),
    [
        ("webm", None, "--format webm: must be gif or mp4"),
        ("gif", 0, "--fps 0: must be from 1 to 50"),
        ("mp4", 60, "--fps 60: must be from 1 to 50"),
        ("gif", float("nan"), "--fps nan: must be from 1 to 50"),
    ],
)
def test_settings_out_of_range(tmp_path, format, fps, message):
    run = make_run(tmp_path / "run", [1], size=(4, 4))
    with pytest.raises(UserError) as error:
        animation.animate(run, format, fps)
    assert str(error.value) == message
    assert files(run) == ["picture"]


def test_a_size_that_is_asked_for_is_that_of_the_picture_above_the_caption(tmp_path):
    run = make_run(tmp_path / "run", [1])
    [frame], _, _ = gif_frames(animation.animate(run, resize=Resize(longer_side=150)))
    assert frame.shape == (100 + 28, 150, 3)
    [frame], _, _ = gif_frames(animation.animate(run, resize=Resize(factor=3)))
    np.testing.assert_array_equal(frame[:600:3, :900:3], picture(run, 1)[::2, ::2])
    assert frame.shape == (600 + 64, 900, 3)


def test_pictures_of_two_sizes_are_one_film_where_their_frames_are_as_large(tmp_path, capsys):
    run = make_run(tmp_path / "run", [1, 2], size=(64, 64))
    make_run(run, [3], size=(512, 512))
    for resize, shape in ((AS_IT_IS, (512 + 42, 512, 3)), (Resize(longer_side=100), (100 + 28, 100, 3))):
        frames, _, _ = gif_frames(animation.animate(run, resize=resize))
        assert [frame.shape for frame in frames] == [shape] * 3
    assert capsys.readouterr().err == ""
    frames, _, _ = gif_frames(animation.animate(run, resize=Resize(factor=2)))
    assert len(frames) == 2  # The third one's is larger.


def test_a_frame_that_no_film_takes_is_refused_with_its_caption(tmp_path):
    run = make_run(tmp_path / "run", [1], size=(10, 10))
    assert error_of(animation.animate, run, resize=Resize(longer_side=16_384)) == (
        "--size 16384: makes 16384x16450 pixels of 10x10, and 16384 a side are the most: give a smaller one"
    )
    assert files(run) == ["picture"]


def test_mp4_without_ffmpeg(tmp_path, monkeypatch):
    run = make_run(tmp_path / "run", [1])
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(UserError) as error:
        animation.animate(run, "mp4")
    assert str(error.value) == (
        f"--format mp4: needs ffmpeg with H.264: {install_command(['imageio-ffmpeg'])}, or give --format gif"
    )
    assert files(run) == ["picture"]


@pytest.mark.parametrize("format", ["gif", "mp4"])
def test_a_film_that_breaks_off_leaves_the_older_one(tmp_path, monkeypatch, format):
    run = make_run(tmp_path / "run", [1, 2, 3])
    older = animation.animate(run, format).read_bytes()
    draw = animation._draw

    def draw_two(path, caption, resize):
        if caption == "epoch 3":
            raise KeyboardInterrupt
        return draw(path, caption, resize)

    monkeypatch.setattr(animation, "_draw", draw_two)
    with pytest.raises(KeyboardInterrupt):
        animation.animate(run, format)
    assert files(run) == ["picture", f"training.{format}"]
    assert (run / f"training.{format}").read_bytes() == older


@pytest.mark.parametrize("format", ["gif", "mp4"])
def test_no_more_than_two_frames_are_alive_at_once(tmp_path, monkeypatch, format):
    run = make_run(tmp_path / "run", range(1, 13), mode="RGB")
    draw, drawn, alive = animation._draw, [], []

    def watched(path, caption, resize):
        frame = draw(path, caption, resize)
        drawn.append(weakref.ref(frame))
        alive.append(sum(reference() is not None for reference in drawn))
        return frame

    monkeypatch.setattr(animation, "_draw", watched)
    animation.animate(run, format, fps=25)
    assert len(alive) == 12
    assert max(alive) <= 2


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak memory that Linux tells")
def test_memory_does_not_grow_with_the_number_of_frames(tmp_path):
    program = (
        "import pathlib, re, sys\n"
        "from dcgan_tf.pictures.animation import animate\n"
        "from dcgan_tf.pictures.enlarge import AS_IT_IS, Resize\n"
        "animate(sys.argv[1], resize=Resize(factor=1))\n"
        # Not resource.getrusage: its peak includes that of the process that started this one.
        "print(re.search(r'VmHWM:\\s*(\\d+) kB', pathlib.Path('/proc/self/status').read_text())[1])\n"
    )
    root = Path(animation.__file__).parents[2]
    peaks = {}
    for count in (20, 400):
        run = make_run(tmp_path / f"run{count}", range(1, count + 1), size=(256, 256))
        result = subprocess.run(
            [sys.executable, "-c", program, run], cwd=root, capture_output=True, text=True, check=True
        )
        peaks[count] = int(result.stdout)
    # 380 frames more, of 70 kB as pixels and 90 kB as GIF, would take 25 MB more if either were kept.
    assert peaks[400] - peaks[20] < 8000


def test_pixels_and_films_need_no_tensorflow():
    program = (
        "import sys, dcgan_tf.pictures.images, dcgan_tf.pictures.animation, dcgan_tf.pictures.curves, dcgan_tf.generators.generate\n"
        "print(sorted({'tensorflow', 'keras', 'matplotlib', 'imageio', 'imageio_ffmpeg'} & set(sys.modules)))\n"
    )
    root = Path(animation.__file__).parents[2]
    result = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
