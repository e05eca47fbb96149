"""What the headers of files say, and what a crop cuts off."""

import shutil

import numpy as np
from PIL import Image
from support.image_files import encoded, noise, put
from support.pictures import picture

from dcgan_tf.config.reading import Reading
from dcgan_tf.data.decode import FileFacts, file_facts
from dcgan_tf.data.sources import open_source
from dcgan_tf.inspection.findings import find


def test_what_headers_say(tmp_path):
    content = encoded(noise(8, 9))
    assert file_facts(content) == FileFacts("PNG", "RGB", 8, False, False, len(content))
    put(tmp_path / "alpha.png", noise(8, 9, channels=4))
    assert file_facts(tmp_path / "alpha.png")[:5] == ("PNG", "RGB", 8, True, False)
    put(tmp_path / "deep.png", noise(8, 9, channels=1).astype(np.uint16) * 16)
    assert file_facts(tmp_path / "deep.png")[:5] == ("PNG", "grey", 16, False, False)
    exif = Image.Exif()
    exif[0x0112] = 6
    put(tmp_path / "turned.jpg", noise(8, 9), exif=exif)
    facts = file_facts(tmp_path / "turned.jpg")
    assert facts[:5] == ("JPEG", "RGB", 8, False, True) and facts.bytes == (tmp_path / "turned.jpg").stat().st_size


def test_each_file_counts_once_and_those_of_an_archive_count_too(tmp_path):
    pages = [Image.fromarray(noise(8, 9, seed)) for seed in range(3)]
    (tmp_path / "set").mkdir()
    pages[0].save(tmp_path / "set/pages.tif", save_all=True, append_images=pages[1:])
    put(tmp_path / "set/a.png", noise(8, 9, 7))
    shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "set")
    for name in ("set", "packed.zip"):
        found = find(open_source(str(tmp_path / name), reading=Reading(frames="all"), cache=False))
        assert len(found.looks) == 4 and [file.format for file in found.files] == ["PNG", "TIFF"]
        assert sum(file.bytes for file in found.files) == sum(p.stat().st_size for p in (tmp_path / "set").iterdir())


def test_what_a_crop_cuts_off(tmp_path):
    """Of 40x80, a square of 40 is left: half; of a square, all."""
    for i, size in enumerate(((40, 80), (40, 40), (80, 20))):
        put(tmp_path / f"{i}.png", picture(i, size))
    found = find(open_source(str(tmp_path), size=(32, 32), cache=False))
    np.testing.assert_allclose(found.cut_share(), [0.5, 0, 0.75])
    assert found.clean.tolist() == [0, 1, 2] and found.exact_copies == found.near_copies == 0
