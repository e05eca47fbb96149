"""One step done by several replicas together: devices of this machine, or of several workers."""

import functools
from typing import NamedTuple

from dcgan_tf.common.backend import tf
from dcgan_tf.config.order import share
from dcgan_tf.gan.fast import ops


class Part(NamedTuple):
    """The part of a batch that one replica works on: images `start` to `start + count - 1` of `batch_size`.

    replica and replicas are Python's 0 and 1 where one replica does it all. The rest are int64 or int32 scalars.
    """

    batch_size: object
    start: object
    count: object
    replica: object
    replicas: int

    def share_of(self, mean):
        """Scales a mean over this replica's images to what it adds to the mean over the whole batch."""
        if self.replicas == 1:
            return mean
        return mean * (tf.cast(self.count, tf.float32) / tf.cast(self.batch_size, tf.float32))

    def rows(self, tensor):
        """This replica's rows of a tensor [batch_size, ...]."""
        return tensor if self.replicas == 1 else tensor[self.start : self.start + self.count]

    def number(self, step):
        """An int64 scalar that no other step and no other replica has."""
        return step if self.replicas == 1 else step * self.replicas + tf.cast(self.replica, tf.int64)


def whole(images) -> Part:
    """The part of the only replica: all images [N, ...]."""
    count = tf.shape(images)[0]
    return Part(count, 0, count, 0, 1)


def all_reduce(tensors) -> list:
    """The sums over all replicas, in one message."""
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tensors)


def run_together(strategy, update, nets, images, labels, batch_size, stop) -> dict:
    """Runs `update` on every replica of the strategy; every worker has to call it.

    update: (a replica's images, their labels, its Part) -> scalars by name. nets: the models whose statistics it moves.
    images: this worker's share of the batch. labels: theirs, or None. batch_size: int64 scalar, the images of all workers. stop: bool scalar.

    Returns the scalars of the whole batch, and "stop": whether any worker said so.
    """
    replicas, replicas_here = strategy.num_replicas_in_sync, len(strategy.extended.worker_devices)

    def part(replica):
        first, last = share(batch_size, tf.cast(replica, tf.int64), replicas)
        return Part(batch_size, first, last - first, replica, replicas)

    def own_rows(tensor, context):
        replica = context.replica_id_in_sync_group
        worker_start, _ = share(batch_size, replica // replicas_here, replicas // replicas_here)
        start = part(replica).start - worker_start
        return tensor[start : start + part(replica).count]

    def run(images, labels=None):
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        scalars = update(images, labels, part(replica)) | {"stop": tf.cast(stop, tf.float32)}
        return _shared(scalars, nets, replicas)

    given = [images] if labels is None else [images, labels]
    per_replica = [
        strategy.experimental_distribute_values_from_function(functools.partial(own_rows, tensor)) for tensor in given
    ]
    scalars = strategy.run(run, args=tuple(per_replica))
    first = {name: strategy.experimental_local_results(value)[0] for name, value in scalars.items()}
    return first | {"stop": first["stop"] > 0}


def _shared(scalars: dict, nets, replicas: int) -> dict:
    """The sums of the scalars over all replicas. The same message makes the nets' moving statistics equal."""
    averages = [value for net in nets for value in _moving_averages(net)]
    sums = all_reduce([tf.stack(list(scalars.values()))] + [value / replicas for value in averages])
    # Every replica moved its batch-norm averages by its own images; taking their mean keeps the copies identical.
    for average, mean in zip(averages, sums[1:]):
        ops.assign(average, mean)
    return dict(zip(scalars, tf.unstack(sums[0], len(scalars))))


def _moving_averages(model) -> list:
    """The moving statistics of the model's batch normalizations."""
    return [variable.value for variable in model.non_trainable_variables if "seed_generator" not in variable.path]
