"""config.json, value by value: odd ones are refused with their place, and nothing else is raised."""

import copy
import json
from dataclasses import replace

import pytest
from support.settings import settings

from dcgan_tf.config.settings import Settings, settings_from_json

ODD = [
    None, True, -1, 0, 2**70, 1.5, float("nan"), float("inf"), "", "x", "\0", [], [1], [None], [[[]]], {}, {"a": 1},
]  # fmt: skip


def places(value, place=()):
    """The keys to every value within."""
    yield place
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*place, key))


def changed(value, place, to):
    value = copy.deepcopy(value)
    *way, last = place
    at = value
    for key in way:
        at = at[key]
    at[last] = to
    return value


def test_any_odd_value_anywhere_is_refused_or_kept_as_it_is():
    preset = settings().preset
    made = settings(preset=replace(preset, generator=preset.generator[:3], discriminator=preset.discriminator[-2:]))
    good = json.loads(json.dumps(made.to_json()))  # All rows of the nets have the same fields: a few say it all.
    assert settings_from_json(good).to_json() == made.to_json()
    for place in places(good):
        for odd in ODD:
            value = changed(good, place, odd) if place else odd
            try:
                read = settings_from_json(value)
            except ValueError as error:
                assert "\n" not in str(error)
                continue
            assert isinstance(read, Settings)
            kept = json.loads(json.dumps(read.to_json()))
            # Sections with nothing that is known have the defaults; a preset without epochs is an earlier version's.
            if odd not in ({}, {"a": 1}) and place != ("preset", "epochs"):
                assert kept == value, (place, odd)


@pytest.mark.parametrize(
    ("place", "odd", "message"),
    [
        (("config", "batch_size"), "16", "config.batch_size is '16', must be a whole number of at least 0"),
        (("config", "batch_size"), 0, "config.batch_size is 0, must be at least 1"),
        (("config", "seed"), True, "config.seed is True, must be a whole number of at least 0"),
        (("config", "learning_rate"), float("nan"), "config.learning_rate is nan, must be a number"),
        (("config", "resume"), "later", "config.resume is 'later', must be one of auto, never, must"),
        (("config", "switches", "flips"), True, "config.switches.flips is True, must be one of on, off"),
        (("recipe", "flips"), "on", "recipe.flips is 'on', must be true or false"),
        (("recipe", "ema"), 1, "recipe.ema is 1, must be at least 0 and below 1, such as 0.995"),
        (("recipe", "augment"), ["blur"], "recipe.augment[0] is 'blur', must be one of colour, translation, cutout"),
        (("data", "image_shape"), [8, 8], "data.image_shape is [8, 8], must be a list of 3"),
        (("data", "name"), "a\0", "data.name is 'a\\x00', must be a text"),
        (("preset", "generator", 0, "kernel", 1), 0, "preset.generator[0].kernel[1] is 0, must be at least 1"),
        (("preset", "latent_dim"), 2**70, f"preset.latent_dim is {2**70}, must be a whole number of at least 0"),
        (("versions", "keras"), 3, "versions.keras is 3, must be a text"),
        (
            ("steps_per_epoch",),
            [0] * 99,
            f"steps_per_epoch is {str([0] * 99)[:40]}..., must be a whole number of at least 0",
        ),
    ],
)
def test_the_message_says_where_and_what_would_be_right(place, odd, message):
    with pytest.raises(ValueError) as raised:
        settings_from_json(changed(json.loads(json.dumps(settings().to_json())), place, odd))
    assert str(raised.value) == message


def test_what_other_versions_wrote_is_read():
    value = json.loads(json.dumps(settings().to_json()))
    value["preset"]["epochs"] = None  # A preset had none of its own.
    value["later"] = value["recipe"]["later"] = value["config"]["later"] = 1
    assert settings_from_json(value).unknown == {"later": 1}
    del value["preset"]["generator"]
    with pytest.raises(ValueError, match="^preset without generator$"):
        settings_from_json(value)
