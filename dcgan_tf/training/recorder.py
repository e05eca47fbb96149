"""What a run leaves behind and says while it trains: log, pictures, checkpoints, measures, a progress bar.

A run can be killed between any two writes, and goes on from its newest state: what comes after that state is made
again, and what comes before it is not. So the state is always the last:

    before the first     the picture of what the nets are like
    after some steps     the line of log.jsonl, and where they are due the picture and the measurement: where that is the
                         best so far, its models and then best.json, which names them; the line of its scores
    at an epoch's end    the same, then the models, where they are due and not saved yet; then old ones go, never those
                         that best.json names
                         the state, with the log on the disk before it; then old states go
    where it is stopped  the state, then the measurement, as another signal may end that at any time

Which pictures and measurements are due follows from the step alone, so a killed run makes the same ones again. What does
not follow from the state alone is written whole before it is named: models before best.json, a state before the one that
it replaces goes. `training.rollback` says the order of going back, `training.command` that of beginning.
"""

import contextlib
import signal
import time

import numpy as np

from dcgan_tf.common.console import say
from dcgan_tf.gan.randomness import fixed_latents
from dcgan_tf.generators.sampler import Sampler
from dcgan_tf.pictures.images import write_png
from dcgan_tf.pictures.sheet import sheet_of_run
from dcgan_tf.runs.log import RunLog
from dcgan_tf.runs.pictures import picture_path
from dcgan_tf.runs.state import architectures, save_state
from dcgan_tf.training import rollback, schedule
from dcgan_tf.training.cadence import Cadence, is_due
from dcgan_tf.training.console import Progress
from dcgan_tf.training.judge import Judge, Moment, Verdict
from dcgan_tf.training.plan import Plan
from dcgan_tf.training.saver import ModelSaver
from dcgan_tf.training.trainer import Trainer
from dcgan_tf.training.watchdog import Watchdog

MAX_STATE_AGE_SECONDS = 600  # A crash within a long epoch costs at most this much work.
MIN_STATE_AGE_SECONDS = 30  # Between the states of short epochs, unless --save-every says how often.
SAMPLE_BATCH = 64  # So many sample pictures are generated at once, which bounds the memory.
MAX_TENSORBOARD_SHEETS = 50  # Where a flag asks for more pictures than that, TensorBoard does not have all.
MAX_SAVING_SHARE = 0.02  # Where no flag says how often, saving may take this share of the training time.
MAX_STOP_SECONDS = 10  # So long may be measured after Ctrl-C,
MAX_TERMINATION_SECONDS = 2  # and after SIGTERM: who sends that, such as a cluster, kills soon after.


def class_shares(plan: Plan) -> tuple[float, ...] | None:
    """How often each class comes in training; None where they all come alike, or there are none."""
    return plan.source.classes.shares if plan.preset.classes and plan.config.balance == "off" else None


class Recorder:
    """Records one trainer; of several workers, only the chief has one. It has to be closed."""

    def __init__(self, trainer: Trainer):
        self._trainer, self._plan = trainer, trainer.plan
        plan, config = trainer.plan, trainer.plan.config
        self._folder = plan.folder
        self._progress = Progress(trainer.step, plan.last_step, plan.steps_per_epoch, plan.epochs)
        self._latents, columns = fixed_latents(plan.preset, config.seed), plan.preset.grid[1]
        self._labels = np.repeat(np.array(plan.preset.shown_classes, np.int32), columns)
        self._log = RunLog(plan.folder, trainer.step)
        self._saver = ModelSaver(plan, trainer.gan)
        self._sampling = schedule.of_pictures(plan)
        self._saving = Cadence(config.save_every, MAX_SAVING_SHARE)
        self._sampler = Sampler(trainer.gan, class_shares(plan))
        self._judge, self._watchdog = Judge(plan, self._pictures, trainer.step), Watchdog()
        self._is_saved = False  # Whether the models of this epoch are saved, or better ones of it are and have to stay.
        self._architectures = architectures(trainer.gan)
        self._state_time, self._state_step = time.monotonic(), None  # of the newest state that was written here
        self._step_seconds = 0.0  # What a step of this epoch took.
        self._start_counting()
        self._start_epoch()

    def begin(self) -> None:
        """Before the first update of a run, or of a part of it."""
        if self._trainer.step == self._plan.first_step:
            with self._aside():
                self._draw_what_is_due()

    def show_step(self) -> None:
        """After every update."""
        self._progress.step()

    def log(self, values: dict[str, float]) -> None:
        """values: the metrics of the last step, by name."""
        seconds = time.perf_counter() - self._counted_time
        images = (self._trainer.step - self._counted_step) * self._plan.batch_size
        values = values | {"images_per_sec": images / seconds}
        self._start_counting()
        self._time_steps()
        self._log.scalars(self._trainer.step, self._trainer.epoch, values)
        self._progress.numbers(values)

    def watch(self) -> None:
        """After a logged step within an epoch: draws and measures what is due."""
        with self._aside():
            self._draw_what_is_due()
            self._tell(self._judge.judge(self._now(), self._save_models))

    def judge_epoch(self) -> str | None:
        """At the end of an epoch: draws and measures what is due. Returns why the run is to go back; None: it is not."""
        epoch = self._trainer.epoch
        self._progress.say_line()
        self._draw_what_is_due()
        self._is_saved = self._judge.holds_better(epoch, self._trainer.step)
        verdict = self._judge.judge(self._now(), self._save_models)
        self._tell(verdict)
        if verdict is None:
            return None
        warnings, collapse = self._watchdog.look(self._log.lines, epoch, verdict.best_epoch, self.may_go_back)
        for warning in warnings:
            say(f"warning: epoch {epoch}: {warning}")
        return collapse

    def save_epoch(self) -> None:
        """At the end of an epoch that the run goes on from: saves what is due."""
        config, epoch, last = self._plan.config, self._trainer.epoch, self._trainer.last_epoch
        if self._saving.is_due(epoch, last, self._step_seconds * self._plan.steps_per_epoch):
            with self._saving.timed():
                if not self._is_saved:
                    self._save_models()
                self._saver.delete_old(epoch, self._judge.best.get("epoch"))
                # An older state is enough: a killed run goes on from it and makes the later epochs' models again.
                is_old = time.monotonic() - self._state_time > MIN_STATE_AGE_SECONDS
                if config.save_every or is_old or self._state_step is None or epoch == last:
                    self.save_state()
        elif self._is_saved:
            # The previous best had to stay until best.json named this one.
            self._saver.delete_old(epoch, self._judge.best.get("epoch"))
        self._start_counting()
        self._start_epoch()

    def judge_stopped(self, signal_number: int) -> None:
        """Of a run that this signal has stopped, and whose state is saved: measures it where that is quickly done."""
        self._time_steps()
        max_seconds = MAX_TERMINATION_SECONDS if signal_number == signal.SIGTERM else MAX_STOP_SECONDS
        self._tell(self._judge.judge_stopped(self._now(), self._save_models, max_seconds))

    def state_is_old(self) -> bool:
        return time.monotonic() - self._state_time > MAX_STATE_AGE_SECONDS

    def save_state(self) -> None:
        """A state that is there is not written again."""
        self._state_time = time.monotonic()
        if self._state_step == self._trainer.step:
            return
        self._log.flush_to_disk()
        stay = {self._plan.kept_state, self._judge.best.get("step")}
        save_state(self._folder, self._trainer.step, self._trainer.gan, self._architectures, stay)
        self._state_time, self._state_step = time.monotonic(), self._trainer.step

    def may_go_back(self) -> bool:
        """Whether a collapse sends the run back."""
        return self._plan.rolls_back and rollback.possible(self._plan)

    def close(self) -> None:
        self._progress.close()
        self._log.close()

    def _pictures(self, latents, labels=None):
        return self._sampler.pictures(latents, self._trainer.step, labels)

    def _save_models(self) -> None:
        self._saver.save(self._trainer.epoch, self._sampler.net(self._trainer.step))
        self._is_saved = True

    def _now(self) -> Moment:
        return Moment(self._trainer.step, self._trainer.epoch, self._step_seconds)

    def _tell(self, verdict: Verdict | None) -> None:
        """Says and logs what was measured; a state comes after it where the best needs one."""
        if verdict is None:
            return
        if verdict.sentence:
            say(verdict.sentence)
        self._log.scalars(self._trainer.step, self._trainer.epoch, verdict.scores)
        if verdict.is_best and (self._plan.rolls_back or not self._folder.saved_steps()):
            self.save_state()  # A rollback goes back to it. And models without a state are those of one epoch at most.

    def _draw_what_is_due(self) -> None:
        step, epoch, epochs = self._trainer.step, self._trainer.epoch, self._plan.epochs
        if not self._sampling.is_due(step):
            return
        given = [self._latents, self._labels] if len(self._labels) else [self._latents]
        starts = range(0, len(self._latents), SAMPLE_BATCH)
        pictures = [self._pictures(*(array[at : at + SAMPLE_BATCH] for array in given)).numpy() for at in starts]
        drawn = sheet_of_run(np.concatenate(pictures), self._plan.settings)
        write_png(picture_path(self._folder, step, self._plan.steps_per_epoch), drawn)
        every = max(1, epochs // MAX_TENSORBOARD_SHEETS)
        if self._plan.config.sample_every is None or is_due(epoch, every, epochs, first=True):
            self._log.picture(step, drawn)

    def _time_steps(self) -> None:
        if steps := self._trainer.step - self._epoch_step:
            self._step_seconds = (time.perf_counter() - self._epoch_time) / steps

    @contextlib.contextmanager
    def _aside(self):
        """What is done within is not counted as the time of steps."""
        start = time.perf_counter()
        yield
        seconds = time.perf_counter() - start
        self._counted_time, self._epoch_time = self._counted_time + seconds, self._epoch_time + seconds

    def _start_epoch(self) -> None:
        self._epoch_step, self._epoch_time = self._trainer.step, time.perf_counter()

    def _start_counting(self) -> None:
        self._counted_step, self._counted_time = self._trainer.step, time.perf_counter()
