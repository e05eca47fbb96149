"""What a run would cost, measured by a few of its steps before it begins."""

from typing import NamedTuple

from dcgan_tf.common.backend import tf
from dcgan_tf.common.errors import UserError
from dcgan_tf.training.machine.cluster import Cluster
from dcgan_tf.training.machine.devices import describe_device, make_strategy
from dcgan_tf.training.machine.tuning import settle_precision, settle_xla
from dcgan_tf.training.plan import Plan
from dcgan_tf.training.start import start
from dcgan_tf.training.summary import expected_disk
from dcgan_tf.training.trainer import Trainer

MEASURED_STEPS = 2


class Costs(NamedTuple):
    """seconds_per_step: as it was measured. seconds: of the whole run. disk_bytes: of its folder once it is done."""

    seconds_per_step: float
    seconds: float
    disk_bytes: int


def costs(plan: Plan) -> Costs:
    """Measures the steps of a new run on the devices of this machine. Nothing is written.

    Raises:
        UserError: there is not enough memory.
    """
    cluster = Cluster()
    strategy = make_strategy(cluster)
    try:
        precision = settle_precision(plan.config.precision, True, strategy)
        plan = plan.with_precision(precision.name)
        with strategy.scope():
            gan, step = start(plan, precision.name)
            seconds = settle_xla(gan, Trainer(plan, gan, step, cluster).trial(), MEASURED_STEPS)
    except tf.errors.ResourceExhaustedError as error:
        raise not_enough_memory(plan) from error
    return Costs(seconds, (plan.last_step - step) * seconds, expected_disk(plan, gan))


def not_enough_memory(plan: Plan) -> UserError:
    """What to say where TensorFlow finds none."""
    return UserError(
        f"not enough memory on {describe_device()} for batches of {plan.batch_size}: give a lower --batch-size, "
        "or end what else uses it"
    )
