"""The numbers of a step's draws: those that the same calls have always had, or runs would not be the same."""

import dataclasses

import numpy as np
import pytest

from dcgan_tf.common.backend import tf
from dcgan_tf.config.presets import get_preset
from dcgan_tf.config.recipes import Recipe
from dcgan_tf.gan.randomness import MAX_DRAWS_PER_STEP, draw_names, draws_of_step

PLAIN, ALL = Recipe(), Recipe(flips=True, r1=1.0)

# update, generator_step, recipe, one pass, relative loss -> the numbers in the order of the names' appearance
TABLE = [
    ("joint", "fakes", PLAIN, True, False, dict(generator=0, real_and_fakes=1)),
    ("joint", "fakes", PLAIN, False, False, dict(generator=0, real=1, fakes=2)),
    ("joint", "fakes", PLAIN, True, True, dict(generator=0, real_and_fakes=1)),
    ("joint", "fresh", PLAIN, True, False, dict(generator=0, real_and_fakes=1)),
    ("joint", "fakes", Recipe(flips=True), True, False, dict(flips=0, generator=1, real_and_fakes=2)),
    ("joint", "fakes", Recipe(r1=1.0), True, False, dict(generator=0, real_and_fakes=1, penalty=2)),
    ("joint", "fakes", Recipe(gradient_penalty=1.0), False, False, dict(generator=0, real=1, fakes=2, penalty=3)),
    ("joint", "fakes", ALL, False, True, dict(flips=0, generator=1, real=2, fakes=3, penalty=4)),
    ("alternating", "fakes", PLAIN, True, False, dict(generator=0, real_and_fakes=1, fakes_again=2)),
    ("alternating", "fakes", PLAIN, False, False, dict(generator=0, real=1, fakes=2, fakes_again=3)),
    ("alternating", "fakes", PLAIN, False, True, dict(generator=0, real=1, fakes=2, real_again=3, fakes_again=4)),
    ("alternating", "fakes", Recipe(r2=1.0), False, False, dict(generator=0, real=1, fakes=2, penalty=3, fakes_again=4)),
    ("alternating", "latents", PLAIN, True, False, dict(generator=0, real_and_fakes=1, generator_again=2, fakes_again=3)),
    ("alternating", "fresh", PLAIN, False, False, dict(generator=0, real=1, fakes=2, generator_again=3, fakes_again=4)),
    ("alternating", "fresh", ALL, True, True,
     dict(flips=0, generator=1, real_and_fakes=2, penalty=3, generator_again=4, real_again=5, fakes_again=6)),
    ("alternating", "fresh", ALL, False, True,
     dict(flips=0, generator=1, real=2, fakes=3, penalty=4, generator_again=5, real_again=6, fakes_again=7)),
]  # fmt: skip


@pytest.mark.parametrize("update, generator_step, recipe, one_pass, relative, expected", TABLE)
def test_numbers_by_name(update, generator_step, recipe, one_pass, relative, expected):
    preset = dataclasses.replace(get_preset("mnist"), update=update, generator_step=generator_step)
    draws = vars(draws_of_step(draw_names(preset, recipe, one_pass, relative), tf.constant(5, tf.int64)))
    assert {name: int(number) for name, number in draws.items()} == {name: 40 + n for name, n in expected.items()}
    assert all(number.dtype == tf.int64 for number in draws.values())


def test_an_unknown_draw_is_an_error_while_tracing():
    names = draw_names(get_preset("mnist-mlp"), Recipe(), one_pass=True, relative_loss=False)

    @tf.function
    def step(number):
        return draws_of_step(names, number).penalty

    with pytest.raises(AttributeError, match="penalty"):
        step.get_concrete_function(tf.TensorSpec([], tf.int64))


def test_a_ninth_draw_is_an_error():
    names = tuple("abcdefghi")
    assert len(vars(draws_of_step(names[:MAX_DRAWS_PER_STEP], 0))) == 8
    with pytest.raises(ValueError, match="a step has 8 draws, not 9: a, b, c, d, e, f, g, h, i"):
        draws_of_step(names, 0)


def test_no_two_draws_of_a_run_are_the_same():
    names = tuple("abcdefgh")
    drawn = [number for step in range(50) for number in vars(draws_of_step(names, step)).values()]
    assert np.array_equal(drawn, range(400))
