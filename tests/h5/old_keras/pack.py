"""Packs those of the made nets that the tests load into ../old_keras.zip: python pack.py FOLDER_OF_MADE_NETS.

The files are as their Keras wrote them. Of the recorded inputs and outputs, only those of these nets are kept.
"""

import io
import sys
import zipfile
from pathlib import Path

import numpy as np

ARCHIVE = Path(__file__).parent.with_suffix(".zip")
EXPECTED = "expected.npz"
DATE = (1980, 1, 1, 0, 0, 0)  # A ZIP archive has a date for each member; equal files shall make equal archives.

# Each kind of net, by the version whose file differs most from those of today.
PACKED = {
    "k122": """
        sigmoid_generator.h5 deconvolution_generator.h5 th_sigmoid_generator.h5 th_deconvolution_generator.h5
        th_discriminator.h5 cgan_multiply.h5 cgan_channel.h5 misc_layers.h5 gan_whole.h5 clip_discriminator.h5
        hard_sigmoid_generator.h5 tanh_nested_frozen_weights.h5 tanh_nested_frozen.json""",
    "k209": "tanh_nested_frozen.h5 gan_whole.h5 channels_first_discriminator.h5 channels_first_discriminator_flat.h5",
    "k209th": "tutorial_generator.h5 gap_discriminator.h5 tanh_nested_weights.h5 tanh_nested.json",
    "k222": """
        cgan_channel_label_first.h5 cgan_onehot.h5 clip_discriminator.h5 channels_first_generator.h5
        gan_whole_spliced.h5 gan_whole_conditional.h5 hard_sigmoid_generator.h5
        sigmoid_generator_weights.h5 sigmoid_generator.json""",
    "k231": "misc_layers.h5 acgan_multiply.h5",
    "tf23": """
        leaky_inside.h5 tanh_nested_frozen.h5 dcgan_checkpoint/checkpoint dcgan_checkpoint/ckpt-1.index
        dcgan_checkpoint/ckpt-1.data-00000-of-00001 dcgan_checkpoint/generator.json dcgan_checkpoint/discriminator.json""",
    "tf212": "cgan_multiply_zip.keras tanh_nested_frozen_zip.keras leaky_inside.keras",
    "tf213": """
        functions_generator.h5 functions_generator.keras cgan_channel.keras spectral_generator.keras spectral_discriminator.h5 gan_whole_functional.keras
        sigmoid_generator.weights.h5 tanh_nested_frozen.weights.h5 sigmoid_generator.json tanh_nested_frozen.json
        dcgan_checkpoint/checkpoint dcgan_checkpoint/ckpt-1.index dcgan_checkpoint/ckpt-1.data-00000-of-00001
        dcgan_checkpoint/generator.json dcgan_checkpoint/discriminator.json""",
    "tf215": """
        tanh_nested.keras gan_whole_spliced.keras clip_discriminator.keras
        tanh_nested_frozen_ckpt/checkpoint tanh_nested_frozen_ckpt/ckpt.index
        tanh_nested_frozen_ckpt/ckpt.data-00000-of-00001 tanh_nested_frozen.json""",
}
ENDINGS = ("_zip.keras", ".keras", "_weights.h5", ".weights.h5", ".h5", "_ckpt/ckpt.index", "/ckpt-1.index")


def recorded(folder, env, files):
    """The inputs and outputs of nets, by <env>_<net>_x0 and so on."""
    names = {file.removesuffix(ending) for file in files for ending in ENDINGS if file.endswith(ending)}
    with np.load(folder / f"{env}_{EXPECTED}") as expected:
        for key in expected:
            net, _, what = key.rpartition("_")
            if net in names or net.startswith("dcgan_checkpoint_") and "dcgan_checkpoint" in names:
                yield f"{env}_{net}_{what}", expected[key]


def main(folder):
    expected, content = {}, io.BytesIO()
    with zipfile.ZipFile(ARCHIVE, "w") as archive:

        def add(name, data):
            archive.writestr(zipfile.ZipInfo(name, DATE), data, zipfile.ZIP_DEFLATED, 9)

        for env, files in PACKED.items():
            expected.update(recorded(folder, env, files.split()))
            for file in files.split():
                add(f"{env}_{file}", (folder / f"{env}_{file}").read_bytes())
        np.savez_compressed(content, **expected)
        add(EXPECTED, content.getvalue())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
