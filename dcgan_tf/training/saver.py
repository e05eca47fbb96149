"""The models of an epoch: written, and deleted where they may go."""

import functools
from pathlib import Path

from dcgan_tf.common.files import whole_folder
from dcgan_tf.export.card import model_card
from dcgan_tf.export.savedmodel import SavedModelWriter
from dcgan_tf.nets.saved import save_model
from dcgan_tf.nets.surgery import with_dtype
from dcgan_tf.runs.folder import best_epoch, model_paths, remove_models, saved_epochs
from dcgan_tf.runs.settings import read_config


class ModelSaver:
    """Writes the models of an epoch, always float32 whatever the nets compute in, and deletes those that may go."""

    def __init__(self, run_dir: Path, gan, keep_last: int, keep_every: int):
        self._run_dir, self._gan = run_dir, gan
        self._keep_last, self._keep_every = keep_last, keep_every
        self._generator = with_dtype(gan.sampler, "float32")
        self._discriminator = with_dtype(gan.discriminator, "float32")
        self._saved_model = SavedModelWriter(self._generator, gan.preset.latents)

    def save(self, epoch: int, sampler) -> None:
        """sampler: the net that makes the epoch's pictures, such as `gan.sampler`."""
        self._generator.set_weights(sampler.get_weights())
        self._discriminator.set_weights(self._gan.discriminator.get_weights())
        generator, discriminator, saved_model = model_paths(self._run_dir, epoch)
        save_model(self._generator, generator)
        save_model(self._discriminator, discriminator)
        with whole_folder(saved_model) as beside:
            self._saved_model.write_epoch(beside, self._card | {"epoch": epoch})
        self.delete_old()

    def delete_old(self) -> None:
        for old in to_delete(saved_epochs(self._run_dir), self._keep_last, self._keep_every, best_epoch(self._run_dir)):
            remove_models(self._run_dir, old)

    @functools.cached_property
    def _card(self) -> dict:
        """The model card of every epoch, but for its number."""
        name, settings = self._run_dir.resolve().name, read_config(self._run_dir)
        signatures = self._saved_model.signatures
        return model_card(name, None, settings, self._gan.preset.latents, self._generator, signatures)


def to_delete(epochs: list[int], keep_last: int, keep_every: int, best: int | None = None) -> list[int]:
    """Which of the saved epochs (ascending) may go: not the last `keep_last` (0: none may go), not the multiples of
    `keep_every` (0: no such rule), not the best."""
    if keep_last == 0:
        return []
    return [epoch for epoch in epochs[:-keep_last] if epoch != best and not (keep_every and epoch % keep_every == 0)]
