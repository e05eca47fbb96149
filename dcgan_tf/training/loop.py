"""The loop: step, log, draw, judge, save."""

from dcgan_tf.training.cadence import is_due
from dcgan_tf.training.recorder import Recorder
from dcgan_tf.training.trainer import Trainer

LOG_EVERY_STEPS = 10


def loop(trainer: Trainer, recorder: Recorder | None = None, stop=None) -> None:
    """Trains until the last step of the plan, or until `stop` says so, after a whole checkpoint.

    recorder: what is written and said of it; None: nothing, as by all workers but the chief.
    stop: a `StopRequest`; None: nothing stops it.

    Raises:
        Collapse: the pictures are lost, and the run is to go back.
        UserError: the losses are no numbers any more, or something cannot be written.
    """
    metrics = None
    if recorder:
        recorder.begin()
    for step, images, *labels in trainer.batches(stop):
        metrics = trainer.update(step, images, labels, stop)
        if recorder:
            recorder.show_step()
        is_logged = trainer.epoch_ends or is_due(trainer.step, LOG_EVERY_STEPS, trainer.plan.last_step, first=True)
        if is_logged:
            values = trainer.numbers(metrics, recorder and recorder.may_go_back)
            if recorder:
                recorder.log(values)
        if trainer.epoch_ends:
            trainer.go_back_for(recorder.judge_epoch() if recorder else None)
            if recorder:
                recorder.save_epoch()
        elif is_logged and recorder:
            recorder.watch()
        if trainer.stopped_by:
            break
        if recorder and is_logged and recorder.state_is_old():
            recorder.save_state()
    if trainer.stopped_by and metrics:
        trainer.numbers(metrics, recorder and recorder.may_go_back)
        if recorder:
            recorder.save_state()
            recorder.judge_stopped(trainer.stopped_by)
