"""A program that writes the arrays of a TensorFlow checkpoint into an .npz: `checkpoint` starts it as a process of its own.

This file imports nothing of dcgan_tf.

    python -P checkpoint_program.py PREFIX OUT.npz MAX_BYTES

It ends with 3 and a line on standard output where the checkpoint is damaged, or claims more than MAX_BYTES.
"""

import collections
import os
import re
import sys

import numpy as np

GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
NOT_OF_NETS = re.compile(r"optimizer|OPTIMIZER_SLOT|save_counter|seed_generator|global_step|keras_api", re.IGNORECASE)
REFUSED = 3


def main(prefix: str, out: str, max_bytes: str) -> int:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    try:
        reader = tf.train.load_checkpoint(prefix)
        shapes, types = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
        places = _places(reader) if GRAPH in shapes else {name: name for name in shapes}
        names = {place: key for place, key in places.items() if key in shapes and types[key].is_floating}
        names = {place: key for place, key in names.items() if not NOT_OF_NETS.search(place)}
        claimed = sum(4 * int(np.prod(shapes[key], dtype=object)) for key in names.values())
        if claimed > int(max_bytes):
            print(f"claims weights of {claimed:,} bytes, and {int(max_bytes):,} of memory are free")
            return REFUSED
        arrays = [np.asarray(reader.get_tensor(key), np.float32) for key in names.values()]
    except Exception as error:  # TensorFlow raises several kinds for a damaged file.
        print(f"is a damaged checkpoint ({str(error).splitlines()[0][:100]}): copy its .index and .data files again")
        return REFUSED
    # NumPy takes the names of files in the archive from the keywords, in which "/" would make folders.
    np.savez(
        out, names=np.array([name.removesuffix(VALUE) for name in names]), **{f"a{i}": a for i, a in enumerate(arrays)}
    )
    return 0


def _places(reader) -> dict[str, str]:
    """{the way from the root to an array, without optimizers: the key under which it lies}.

    A variable lies under the first of the ways that lead to it, which may be that through an optimizer. The graph of objects,
    which every checkpoint of TensorFlow 2 holds, tells all of them.
    """
    from tensorflow.core.protobuf import trackable_object_graph_pb2

    graph = trackable_object_graph_pb2.TrackableObjectGraph.FromString(reader.get_tensor(GRAPH))
    places, seen, waiting = {}, {0}, collections.deque([(0, "")])
    while waiting:
        number, place = waiting.popleft()
        node = graph.nodes[number]
        for attribute in node.attributes:
            places[place.removeprefix("/")] = attribute.checkpoint_key
        # In Keras 2 a layer with weights has a second name, with a number among all layers.
        for child in sorted(node.children, key=lambda child: not child.local_name.startswith("layer_with_weights")):
            if child.node_id not in seen and not NOT_OF_NETS.search(child.local_name):
                seen.add(child.node_id)
                waiting.append((child.node_id, f"{place}/{child.local_name}"))
    return places


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
