import sys
import weakref

import numpy as np
import pytest
from PIL import Image
from support.films import gif_frames, mp4_frames

from dcgan_tf.common.errors import UserError
from dcgan_tf.common.install import install_command
from dcgan_tf.pictures import film
from dcgan_tf.pictures.enlarge import Resize


def noise(count, size=(300, 200), mode="L", low=0):
    """Pictures of noise; size (width, height)."""
    random = np.random.default_rng(0)
    channels = [] if mode == "L" else [3]
    return [Image.fromarray(random.integers(low, 256, [size[1], size[0], *channels], np.uint8)) for _ in range(count)]


def write(path, pictures, caption=None, seconds=0.1, fps=10):
    """The path, after the film of these pictures was written to it, in the format of its ending."""
    frames = ((film.frame(picture, caption), seconds) for picture in pictures)
    film.write_film(path, path.suffix[1:], frames, fps)
    return path


def files(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("size", "factor", "frame_size", "strip"),
    [
        ((82, 82), 7, (574, 574), 46),
        ((87, 87), 6, (522, 522), 42),
        ((255, 9), 3, (766, 28), 62),
        ((256, 9), 2, (512, 18), 42),
        ((9, 255), 3, (28, 766), 28),
        ((513, 9), 1, (514, 10), 42),
        ((2000, 10), 1, (2000, 10), 64),
    ],
)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_small_pictures_are_enlarged_and_sizes_are_even(size, factor, frame_size, strip, mode):
    [picture] = noise(1, size, mode)
    enlarged = np.asarray(picture).repeat(factor, axis=0).repeat(factor, axis=1)
    width, height = frame_size
    for caption, frame_height in ((None, height), ("epoch 1", height + strip)):
        frame = film.frame(picture, caption)
        assert (frame.mode, frame.size) == (mode, (width, frame_height))
        np.testing.assert_array_equal(np.asarray(frame)[: enlarged.shape[0], : enlarged.shape[1]], enlarged)


def test_the_pixel_that_makes_a_size_even_is_of_the_pictures_edge():
    frame = film.frame(Image.new("RGB", (257, 601), (10, 20, 30)))
    assert (frame.size, frame.getcolors()) == ((258, 602), [(258 * 602, (10, 20, 30))])


def test_a_frame_has_the_size_that_is_asked_for_made_even():
    [picture] = noise(1, (30, 21))
    assert film.frame(picture, resize=Resize(longer_side=101)).size == (102, 72)  # 101 x 70.7
    sharp = film.frame(picture, resize=Resize(factor=2))
    np.testing.assert_array_equal(np.asarray(sharp)[:42:2, ::2], np.asarray(picture))
    assert sharp.size == (60, 42)


@pytest.mark.parametrize(("format", "fps", "seconds"), [("gif", 25, 0.04), ("gif", 30, 0.03), ("mp4", 30, 1 / 30)])
def test_the_time_of_a_frame_is_what_the_format_makes_of_it(format, fps, seconds):
    assert film.frame_seconds(format, fps) == seconds


def test_other_modes_become_colour():
    assert film.frame(Image.new("P", (256, 256))).mode == "RGB"


def test_a_caption_is_one_line_of_black_on_a_white_strip():
    frame = np.asarray(film.frame(Image.new("L", (300, 200), 50), "epoch 7", Resize(factor=1)))
    assert (frame[:200] == 50).all() and frame.shape == (228, 300)
    dark_rows, dark_columns = np.nonzero(frame[200:] < 100)
    assert 5 < dark_rows.max() - dark_rows.min() < 20
    assert 30 < dark_columns.max() < 80  # some seven letters
    assert (frame[-1] == 255).all()


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_gif_of_few_colours_holds_every_pixel(tmp_path, mode):
    levels = [[0, 10, 255], [20, 30, 40], [255, 0, 60]]
    pictures = [Image.fromarray(np.array([row] * 2, np.uint8)).convert(mode) for row in levels]
    frames, durations, loop = gif_frames(write(tmp_path / "a.gif", pictures, seconds=0.04))
    assert (durations, loop) == ([40, 40, 40], 0)
    for frame, picture in zip(frames, pictures, strict=True):
        np.testing.assert_array_equal(frame, np.asarray(film.frame(picture).convert("RGB")))


def test_a_colour_gif_is_close_to_its_pictures(tmp_path):
    down, right = np.mgrid[0:256, 0:256]
    colours = [np.stack([down, right, np.full_like(down, 60 * n)], axis=-1).astype(np.uint8) for n in (1, 2, 3)]
    frames, _, _ = gif_frames(write(tmp_path / "a.gif", map(Image.fromarray, colours)))
    for frame, picture in zip(frames, colours, strict=True):
        # 65,536 colours by 256: squares of 16 x 16 colours, so 4 is the mean error of two of the three channels.
        assert 1 < np.abs(frame[::2, ::2].astype(int) - picture).mean() < 4


def test_a_dark_corner_stays_dark(tmp_path):
    [frame], _, _ = gif_frames(write(tmp_path / "a.gif", [Image.new("RGB", (256, 256), (9, 9, 90))]))
    assert np.unique(frame.reshape(-1, 3), axis=0).tolist() == [[9, 9, 90]]


def test_white_stays_white_beside_other_light_colours(tmp_path):
    frames, _, _ = gif_frames(write(tmp_path / "a.gif", noise(3, mode="RGB", low=240), "epoch 1"))
    assert [np.unique(frame[-1]).tolist() for frame in frames] == [[255]] * 3


def test_identical_frames_are_all_kept(tmp_path):
    frames, durations, _ = gif_frames(write(tmp_path / "a.gif", noise(1) * 4))
    assert (len(frames), durations) == (4, [100] * 4)


@pytest.mark.parametrize(("fps", "milliseconds"), [(1, 1000), (24, 40), (30, 30), (50, 20), (12.5, 80)])
def test_the_time_of_a_gifs_frame_is_in_hundredths_of_a_second(tmp_path, fps, milliseconds):
    assert gif_frames(write(tmp_path / "a.gif", noise(2), seconds=1 / fps))[1] == [milliseconds] * 2


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_an_mp4_has_each_frame_for_its_time(tmp_path, mode):
    shades = [Image.new("RGB", (601, 401), (level, 60, 255 - level)).convert(mode) for level in (30, 130, 230)]
    timed = zip(map(film.frame, shades), [1 / 12, 1, 1 / 12], strict=True)
    film.write_film(tmp_path / "a.mp4", "mp4", timed, 12)
    frames, about = mp4_frames(tmp_path / "a.mp4")
    assert (about["codec"], about["fps"], about["size"]) == ("h264", 12, (602, 402))
    assert about["pix_fmt"] == "yuv420p(tv, bt709, progressive)"
    assert len(frames) == 1 + 12 + 1
    for frame, shade in zip(frames, [shades[0], *[shades[1]] * 12, shades[2]], strict=True):
        # A wrong colour matrix errs by 10 or more.
        assert np.abs(frame[:401, :601].astype(int) - np.asarray(shade.convert("RGB"))).max() <= 4


def ffmpeg_that(tmp_path, monkeypatch, does):
    """A stand-in for ffmpeg: a shell script."""
    if sys.platform == "win32":
        pytest.skip("the stand-in for ffmpeg is a shell script")
    script = tmp_path / "ffmpeg"
    script.write_text(f"#!/bin/sh\n{does}\n")
    script.chmod(0o755)
    monkeypatch.setattr(film, "_ffmpeg", lambda: str(script))


def test_mp4_without_ffmpeg_takes_no_frame(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(film.NoEncoder) as error:
        film.write_film(tmp_path / "a.mp4", "mp4", (pytest.fail("a frame was taken") for _ in range(1)), 10)
    assert str(error.value) == f"needs ffmpeg with H.264: {install_command(['imageio-ffmpeg'])}"
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        (
            "Unknown encoder 'libx264'",
            film.NoEncoder,
            f"needs ffmpeg with H.264: {install_command(['imageio-ffmpeg'])}",
        ),
        ("av_interleaved_write_frame(): No space left on device", UserError, "no space left on the disk for "),
        ("Internal bug", UserError, "a.mp4: ffmpeg failed (Internal bug): make a GIF, or mend ffmpeg"),
    ],
)
def test_mp4_when_ffmpeg_fails(tmp_path, monkeypatch, words, kind, message):
    path = tmp_path / "films" / "a.mp4"
    path.parent.mkdir()
    path.write_bytes(b"the older one")
    ffmpeg_that(tmp_path, monkeypatch, f'echo "{words}" >&2; exit 1')
    with pytest.raises(kind) as error:
        write(path, noise(8))  # more than a pipe holds
    assert str(error.value).removeprefix(f"{path.parent}/").startswith(message)
    assert files(path.parent) == ["a.mp4"]
    assert path.read_bytes() == b"the older one"


@pytest.mark.parametrize("name", ["a.gif", "a.mp4"])
def test_a_film_that_breaks_off_leaves_the_older_one(tmp_path, name):
    older = write(tmp_path / name, noise(2)).read_bytes()

    def broken_off():
        yield from noise(2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / name, broken_off())
    assert files(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == older


@pytest.mark.parametrize("name", ["a.gif", "a.mp4"])
def test_no_more_than_two_frames_are_alive_at_once(tmp_path, name):
    made, alive = [], []

    def watched():
        for picture in noise(12, mode="RGB"):
            frame = film.frame(picture)
            made.append(weakref.ref(frame))
            alive.append(sum(reference() is not None for reference in made))
            yield frame, 0.04

    film.write_film(tmp_path / name, name[2:], watched(), 25)
    assert len(alive) == 12
    assert max(alive) <= 2
