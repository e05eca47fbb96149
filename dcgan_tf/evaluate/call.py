"""What an evaluation.json says of the call that made it: what it was given, by which software, when."""

import functools

from dcgan_tf.common.program import quoted
from dcgan_tf.common.versions import versions
from dcgan_tf.config.commands import EvaluateConfig
from dcgan_tf.config.declared import flags_of
from dcgan_tf.data.source import ImageSource
from dcgan_tf.evaluate.against import RealImages
from dcgan_tf.evaluate.opening import label
from dcgan_tf.evaluate.results import Images, Result, call_now, generator_file
from dcgan_tf.generators.find import Found


def about_call(config: EvaluateConfig, against: RealImages, generators: list[Found]) -> Result:
    """The result of this call, before anything is measured."""
    return Result(
        source=config.source,
        data=_about_images(against.reals),
        held_out=against.held_out and _about_images(against.held_out),
        features=against.features and against.features.name,
        seed=config.seed,
        seeds=config.seeds,
        images=config.images,
        versions=versions(),
        generators={label(found): generator_file(found.path) for found in generators},
        calls=(call_now(command_of(config)),),
        measures={},
    )


def command_of(config: EvaluateConfig) -> str:
    """The command that says the same, with the flags that are not at their defaults."""
    words = ["dcgan-tf", "evaluate", quoted(config.source)]
    for declared in flags_of(EvaluateConfig)[1:]:
        value = functools.reduce(getattr, declared.path, config)
        if value == declared.default:
            continue
        words.append(declared.name)
        if value is not True:
            words += [quoted(item) for item in (value if isinstance(value, tuple) else (value,))]
    return " ".join(words)


def _about_images(source: ImageSource) -> Images:
    return Images(source.name, len(source), tuple(source.image_shape), source.fingerprint)
