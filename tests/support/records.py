"""TFRecord files for tests."""

import numpy as np

from dcgan_tf.common.backend import tf


def feature(value):
    """One value of a tf.train.Example: bytes, a whole number or several."""
    if isinstance(value, bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=np.ravel(value).tolist()))


def example(features) -> bytes:
    """A serialized tf.train.Example with these features."""
    features = {name: feature(value) for name, value in features.items()}
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def write_records(path, records):
    """Writes a file of records: each a dict of the features of an Example, or bytes as they are."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(example(record) if isinstance(record, dict) else record)
