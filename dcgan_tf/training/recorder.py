"""What a run leaves behind and says while it trains: log, pictures, checkpoints, measures, a progress bar.

A run can be killed between any two writes, and goes on from its newest state: what comes after that state is made
again, and what comes before it is not. So the state is always the last:

    after some steps     the line of log.jsonl
    at an epoch's end    the line, the picture, the measurement: where it is the best so far, its models and then
                         best.json, which names them; the line of its scores
                         the models, where they are due and not saved yet; then old ones go, never those that best.json names
                         the state, with the log on the disk before it; then old states go

What does not follow from the state alone is written whole before it is named: models before best.json, a state before
the one that it replaces goes. `training.rollback` says the order of going back, `training.command` that of beginning.
"""

import time

import numpy as np

from dcgan_tf.gan.randomness import fixed_latents
from dcgan_tf.generators.sampler import Sampler
from dcgan_tf.pictures.images import grid, write_png
from dcgan_tf.runs.log import RunLog
from dcgan_tf.runs.state import architectures, save_state
from dcgan_tf.training import rollback
from dcgan_tf.training.cadence import Cadence, is_due
from dcgan_tf.training.console import Progress
from dcgan_tf.training.judge import Judge
from dcgan_tf.training.saver import ModelSaver
from dcgan_tf.training.trainer import Trainer
from dcgan_tf.training.watchdog import Watchdog

MAX_STATE_AGE_SECONDS = 600  # A crash within a long epoch costs at most this much work.
MIN_STATE_AGE_SECONDS = 30  # Between the states of short epochs, unless --save-every says how often.
SAMPLE_BATCH = 64  # So many sample pictures are generated at once, which bounds the memory.
MAX_TENSORBOARD_GRIDS = 50  # A run keeps about so many grids there; TensorBoard shows ten of them.
# Where no flag says how often, sampling and saving may take these shares of the training time.
MAX_SAMPLING_SHARE, MAX_SAVING_SHARE = 0.01, 0.02


class Recorder:
    """Records one trainer; of several workers, only the chief has one. It has to be closed."""

    def __init__(self, trainer: Trainer):
        self._trainer, self._plan = trainer, trainer.plan
        plan, config = trainer.plan, trainer.plan.config
        self._folder = plan.folder
        self._progress = Progress(trainer.step, plan.last_step, plan.steps_per_epoch, plan.epochs)
        self._latents = fixed_latents(plan.preset, config.seed)
        self._log = RunLog(plan.folder, trainer.step)
        self._saver = ModelSaver(plan, trainer.gan)
        self._sampling = Cadence(config.sample_every, MAX_SAMPLING_SHARE)
        self._saving = Cadence(config.save_every, MAX_SAVING_SHARE)
        self._sampler = Sampler(trainer.gan)
        self._judge, self._watchdog = Judge(plan, self._pictures), Watchdog()
        self._is_saved = False  # Whether the models of this epoch are saved, or better ones of it are and have to stay.
        self._architectures = architectures(trainer.gan)
        self._state_time, self._state_step = time.monotonic(), None  # of the newest state that was written here
        self._start_counting()
        self._start_epoch()

    def show_step(self) -> None:
        """After every update."""
        self._progress.step()

    def log(self, values: dict[str, float]) -> None:
        """values: the metrics of the last step, by name."""
        seconds = time.perf_counter() - self._counted_time
        images = (self._trainer.step - self._counted_step) * self._plan.batch_size
        values = values | {"images_per_sec": images / seconds}
        self._start_counting()
        self._log.scalars(self._trainer.step, self._trainer.epoch, values)
        self._progress.numbers(values)

    def judge_epoch(self) -> str | None:
        """At the end of an epoch: draws and measures what is due. Returns why the run is to go back; None: it is not."""
        epoch, last = self._trainer.epoch, self._trainer.last_epoch
        self._epoch_seconds = self._seconds_of_epoch()
        self._progress.say_line()
        if self._sampling.is_due(epoch, last, self._epoch_seconds):
            with self._sampling.timed():
                self._draw_samples()
        self._is_saved = self._judge.holds_better(epoch, self._trainer.step)
        verdict = self._judge.judge(epoch, self._trainer.step, last, self._epoch_seconds, self._save_models)
        if verdict is None:
            return None
        if verdict.sentence:
            self._progress.say(verdict.sentence)
        self._log.scalars(self._trainer.step, epoch, verdict.scores)
        if verdict.is_best and (self._plan.rolls_back or not self._folder.saved_steps()):
            self.save_state()  # A rollback goes back to it. And models without a state are those of one epoch at most.
        warnings, collapse = self._watchdog.look(self._log.lines, epoch, verdict.best_epoch, self.may_go_back)
        for warning in warnings:
            self._progress.say(f"warning: epoch {epoch}: {warning}")
        return collapse

    def save_epoch(self) -> None:
        """At the end of an epoch that the run goes on from: saves what is due."""
        config, epoch, last = self._plan.config, self._trainer.epoch, self._trainer.last_epoch
        if self._saving.is_due(epoch, last, self._epoch_seconds):
            with self._saving.timed():
                if not self._is_saved:
                    self._save_models()
                self._saver.delete_old(epoch, self._judge.best.get("epoch"))
                # An older state is enough: a killed run goes on from it and makes the later epochs' models again.
                is_old = time.monotonic() - self._state_time > MIN_STATE_AGE_SECONDS
                if config.save_every or is_old or self._state_step is None or epoch == last:
                    self.save_state()
        elif self._is_saved:
            self._saver.delete_old(
                epoch, self._judge.best.get("epoch")
            )  # The previous best had to stay until best.json named this one.
        self._start_counting()
        self._start_epoch()

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

    def _pictures(self, latents):
        return self._sampler.pictures(latents, self._trainer.step)

    def _save_models(self) -> None:
        self._saver.save(self._trainer.epoch, self._sampler.net(self._trainer.step))
        self._is_saved = True

    def _draw_samples(self) -> None:
        starts = range(0, len(self._latents), SAMPLE_BATCH)
        pictures = [self._pictures(self._latents[at : at + SAMPLE_BATCH]).numpy() for at in starts]
        sheet = grid(np.concatenate(pictures), *self._plan.preset.grid)
        epoch, epochs = self._trainer.epoch, self._plan.epochs
        write_png(self._folder.picture(epoch), sheet)
        if is_due(epoch, max(1, epochs // MAX_TENSORBOARD_GRIDS), epochs, first=True):
            self._log.picture(epoch, sheet)

    def _seconds_of_epoch(self) -> float:
        """What the steps of a whole epoch take."""
        steps = self._trainer.step - self._epoch_step
        return (time.perf_counter() - self._epoch_time) * self._plan.steps_per_epoch / steps

    def _start_epoch(self) -> None:
        self._epoch_step, self._epoch_time = self._trainer.step, time.perf_counter()

    def _start_counting(self) -> None:
        self._counted_step, self._counted_time = self._trainer.step, time.perf_counter()
