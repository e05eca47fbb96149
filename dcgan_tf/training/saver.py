"""The models of an epoch: written, and deleted where they may go."""

import functools

from dcgan_tf.common.files import whole_folder
from dcgan_tf.export.card import model_card
from dcgan_tf.export.savedmodel import SavedModelWriter
from dcgan_tf.nets.saved import save_model
from dcgan_tf.nets.surgery import with_dtype
from dcgan_tf.training.plan import Plan


class ModelSaver:
    """Writes the models of an epoch, always float32 whatever the nets compute in, and deletes those that may go."""

    def __init__(self, plan: Plan, gan):
        self._plan, self._folder, self._gan = plan, plan.folder, gan
        self._generator = with_dtype(gan.sampler, "float32")
        self._discriminator = with_dtype(gan.discriminator, "float32")
        self._saved_model = SavedModelWriter(self._generator, gan.preset.latents)

    def save(self, epoch: int, sampler) -> None:
        """The generator's .h5 comes last: an epoch that has one is whole.

        sampler: the net that makes the epoch's pictures, such as `gan.sampler`.
        """
        self._generator.set_weights(sampler.get_weights())
        self._discriminator.set_weights(self._gan.discriminator.get_weights())
        with whole_folder(self._folder.saved_model(epoch)) as beside:
            self._saved_model.write_epoch(beside, self._card | {"epoch": epoch})
        save_model(self._discriminator, self._folder.discriminator(epoch))
        save_model(self._generator, self._folder.generator(epoch))

    def delete_old(self, epoch: int, best: int | None) -> None:
        """Deletes the models that may go once those of `epoch` are saved; never those of the epoch `best`. Those of later
        epochs, which a killed run has left, stay until they are made again."""
        config, folder = self._plan.config, self._folder
        until_now = [saved for saved in folder.saved_epochs() if saved <= epoch]
        for old in to_delete(until_now, config.keep_last, config.keep_every, best):
            folder.remove_models(old)

    @functools.cached_property
    def _card(self) -> dict:
        """The model card of every epoch, but for its number."""
        name, signatures = self._folder.path.resolve().name, self._saved_model.signatures
        return model_card(name, None, self._plan.settings, self._gan.preset.latents, self._generator, signatures)


def to_delete(epochs: list[int], keep_last: int, keep_every: int, best: int | None = None) -> list[int]:
    """Which of the saved epochs (ascending) may go: not the last `keep_last` (0: none may go), not the multiples of
    `keep_every` (0: no such rule), not the best."""
    if keep_last == 0:
        return []
    return [epoch for epoch in epochs[:-keep_last] if epoch != best and not (keep_every and epoch % keep_every == 0)]
