"""A program that writes the arrays of a TensorFlow checkpoint into an .npz: `checkpoint` starts it as a process of its own.

This file imports nothing of dcgan_tf.

    python -P checkpoint_program.py PREFIX OUT.npz MAX_BYTES

It ends with 3 and a line on standard output where the checkpoint is damaged, or claims more than MAX_BYTES.
"""

import os
import re
import sys

import numpy as np

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
NOT_OF_NETS = re.compile(r"optimizer|OPTIMIZER_SLOT|save_counter|seed_generator|global_step|keras_api", re.IGNORECASE)
REFUSED = 3


def main(prefix: str, out: str, max_bytes: str) -> int:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    try:
        reader = tf.train.load_checkpoint(prefix)
        shapes, types = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
        names = [name for name in shapes if types[name].is_floating and not NOT_OF_NETS.search(name)]
        claimed = sum(4 * int(np.prod(shapes[name], dtype=object)) for name in names)
        if claimed > int(max_bytes):
            print(f"claims weights of {claimed:,} bytes, and {int(max_bytes):,} of memory are free")
            return REFUSED
        arrays = [np.asarray(reader.get_tensor(name), np.float32) for name in names]
    except Exception as error:  # TensorFlow raises several kinds for a damaged file.
        print(f"is a damaged checkpoint ({str(error).splitlines()[0][:100]}): copy its .index and .data files again")
        return REFUSED
    # NumPy takes the names of files in the archive from the keywords, in which "/" would make folders.
    np.savez(
        out, names=np.array([name.removesuffix(VALUE) for name in names]), **{f"a{i}": a for i, a in enumerate(arrays)}
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
