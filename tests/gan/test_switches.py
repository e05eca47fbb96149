"""Every switch of a recipe in the step, against plain tapes and Keras's own layers."""

import dataclasses

import numpy as np
import pytest
from support.small_nets import narrow

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.config.fitting import preset_for
from dcgan_tf.config.recipes import Recipe
from dcgan_tf.config.variants import applied
from dcgan_tf.gan import penalties, randomness, replicas, views
from dcgan_tf.gan.arithmetic import FAST
from dcgan_tf.gan.augment import augment, flips
from dcgan_tf.gan.batch import Batch
from dcgan_tf.gan.randomness import key, pair
from dcgan_tf.gan.step import GAN
from dcgan_tf.nets.build import build_discriminator, build_generator
from dcgan_tf.nets.surgery import with_dtype

SHAPE, CLASSES = (8, 8, 3), 3
LABELS = tf.constant([2, 0, 2, 1, 1, 2])
softplus = tf.nn.softplus


def make(name, recipe, policy="float32", keeps=None, arithmetic=FAST, **changes):
    """keeps: gets the gradients of every step by net, instead of an update."""
    if keeps is not None:

        def keep(adam, gradients, net):
            keeps[net.name] = [gradient.numpy() for gradient in gradients]

        arithmetic = dataclasses.replace(arithmetic, apply=keep)
    preset = narrow(applied(dataclasses.replace(preset_for(SHAPE, name), **changes), recipe, CLASSES))
    nets = [build_generator(preset), build_discriminator(preset)]
    if policy != "float32":
        nets = [with_dtype(net, policy) for net in nets]
    return GAN(preset, *nets, recipe, arithmetic=arithmetic)


def update_once(gan, images, step):
    """A step that is not compiled."""
    labels = LABELS if gan.preset.classes else None
    return gan.update(Batch(images, labels, int64(step), replicas.whole(images)))


def real_images(count=6):
    return tf.constant(np.random.default_rng(1).uniform(-1, 1, [count, *SHAPE]), tf.float32)


def int64(number):
    return tf.constant(number, tf.int64)


def mean(x):
    return tf.reduce_mean(x)


EXPECTED = {
    "least-squares": (lambda r, f: 0.5 * mean((r - 1) ** 2) + 0.5 * mean(f**2), lambda r, f: 0.5 * mean((f - 1) ** 2)),
    "hinge": (lambda r, f: mean(tf.maximum(0.0, 1 - r)) + mean(tf.maximum(0.0, 1 + f)), lambda r, f: -mean(f)),
    "relativistic": (lambda r, f: mean(softplus(-(r - f))), lambda r, f: mean(softplus(-(f - r)))),
    "wasserstein": (lambda r, f: mean(f) - mean(r), lambda r, f: -mean(f)),
}


def assert_gradients(tape, losses, gan, got):
    for loss, net in zip(losses, (gan.discriminator, gan.generator)):
        expected = tape.gradient(loss, [variable.value for variable in net.trainable_variables])
        for gradient, value in zip(got[net.name], map(np.asarray, map(tf.convert_to_tensor, expected)), strict=True):
            np.testing.assert_allclose(gradient, value, rtol=0, atol=3e-5 * max(np.abs(value).max(), 1e-2))


def latents(gan, count=6, purpose=randomness.LATENTS):
    return randomness.draw_latents(gan.preset, count, key(0, purpose), 0)


@pytest.mark.parametrize("loss", EXPECTED)
@pytest.mark.parametrize("name, update", [("mnist56", "joint"), ("mnist56", "alternating"), ("faces64", "alternating")])
def test_losses(loss, name, update):
    gradients = {}
    gan = make(name, Recipe(loss=loss), keeps=gradients, update=update, generator_step="fakes")
    other = make(name, Recipe(loss=loss))
    metrics = update_once(gan, real_images(), 0)
    with tf.GradientTape(persistent=True) as tape:
        fakes = other.generator(latents(other), training=True)
        logits = [other.discriminator(images, training=True) for images in (real_images(), fakes)]
        losses = [function(*logits) for function in EXPECTED[loss]]
    assert float(metrics["d_loss"]) == pytest.approx(float(losses[0]), abs=1e-5)
    assert float(metrics["g_loss"]) == pytest.approx(float(losses[1]), abs=1e-5)
    assert_gradients(tape, losses, other, gradients)


def squared_gradients(net, images):
    """The mean over the images of the squared gradient of their logits, by Keras."""
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = net([images, LABELS], training=True)
    return mean(tf.reduce_sum(tape.gradient(logits, images) ** 2, [1, 2, 3]))


def test_a_projection_judges_both_with_the_labels_of_the_batch():
    """The relativistic loss of arXiv:2501.05441 with both of its penalties, given the class."""
    gradients, recipe = {}, Recipe(conditional=True, loss="relativistic", r1=0.7, r2=0.3)
    gan, other = make("mnist56", recipe, keeps=gradients, update="joint"), make("mnist56", recipe)
    metrics = update_once(gan, real_images(), 0)
    with tf.GradientTape(persistent=True) as tape:
        fakes = other.generator([latents(other), LABELS], training=True)
        real, fake = (other.discriminator([images, LABELS], training=True) for images in (real_images(), fakes))
        d_loss, g_loss = mean(softplus(fake - real)), mean(softplus(real - fake))
        penalties = [
            weight / 2 * squared_gradients(other.discriminator, images)
            for weight, images in ((0.7, real_images()), (0.3, tf.stop_gradient(fakes)))
        ]
        whole = d_loss + sum(penalties)
    assert float(metrics["d_loss"]) == pytest.approx(float(d_loss), abs=1e-5)
    assert float(metrics["g_loss"]) == pytest.approx(float(g_loss), abs=1e-5)
    assert_gradients(tape, (whole, g_loss), other, gradients)


@pytest.mark.parametrize("update, purpose", [("joint", randomness.LATENTS), ("alternating", randomness.FRESH_LATENTS)])
def test_an_auxiliary_classifier_adds_the_loss_of_the_class_to_both(update, purpose):
    """arXiv:1610.09585: the discriminator maximizes L_S + L_C, the generator L_C - L_S, here in its non-saturating form.
    Fresh latents are drawn as the classes of the batch, too."""
    gradients, recipe = {}, Recipe(conditional=True, class_judge="auxiliary")
    changes = dict(real_target=1.0, update=update, generator_step="fresh")
    gan, other = make("mnist56", recipe, keeps=gradients, **changes), make("mnist56", recipe)
    metrics = update_once(gan, real_images(), 0)

    def log_share(class_logits):
        """Mean of the logarithm of the probability of the right class."""
        return mean(tf.math.log(tf.gather(tf.nn.softmax(class_logits), LABELS, axis=1, batch_dims=1)))

    def told(own_latents):
        """(logits, class logits) of what the generator makes."""
        return other.discriminator(other.generator([own_latents, LABELS], training=True), training=True)

    with tf.GradientTape(persistent=True) as tape:
        (real, real_classes), (fake, fake_classes) = (
            other.discriminator(real_images(), training=True),
            told(latents(other)),
        )
        source = mean(tf.math.log(tf.sigmoid(real))) + mean(tf.math.log(1 - tf.sigmoid(fake)))
        d_loss = -(source + log_share(real_classes) + log_share(fake_classes))
        fresh, fresh_classes = told(latents(other, purpose=purpose))
        g_loss = -(mean(tf.math.log(tf.sigmoid(fresh))) + log_share(fresh_classes))
    assert float(metrics["d_loss"]) == pytest.approx(float(d_loss), abs=1e-5)
    assert float(metrics["g_loss"]) == pytest.approx(float(g_loss), abs=1e-5)
    assert_gradients(tape, (d_loss, g_loss), other, gradients)


@pytest.mark.parametrize("update", ["joint", "alternating"])
def test_real_and_generated_images_are_augmented_within_the_gradient(update):
    gradients, two_passes = {}, dataclasses.replace(FAST, max_one_pass_values=0)  # draws 1 and 2
    kinds = ("colour", "translation", "cutout")
    recipe = Recipe(augment=kinds)
    changes = dict(update=update, generator_step="fakes", real_target=1.0)
    gan, other = make("mnist56", recipe, keeps=gradients, arithmetic=two_passes, **changes), make("mnist56", recipe)
    update_once(gan, real_images(), 0)
    seeds = [pair(key(0, randomness.AUGMENT), draw) for draw in (1, 2, 3)]

    def bce(logits, target):
        return mean(softplus(logits) - target * logits)

    with tf.GradientTape(persistent=True) as tape:
        fakes = other.generator(latents(other), training=True)
        real_logits, fake_logits, later = (
            other.discriminator(augment(images, kinds, seed), training=True)
            for images, seed in zip((real_images(), fakes, fakes), seeds)
        )
        losses = bce(real_logits, 1.0) + bce(fake_logits, 0.0), bce(fake_logits if update == "joint" else later, 1.0)
    assert_gradients(tape, losses, other, gradients)


@pytest.mark.parametrize("name", ["mnist56", "faces64", "mnist", "paints200"])  # plain, BN, pooling, joint and dropout
def test_penalties_are_added_when_they_are_due(name):
    gradients = {}
    recipe = Recipe(r1=0.7, r2=0.3, gradient_penalty=2.0, penalty_every=3)
    gan, plain = (make(name, of_them, keeps=gradients) for of_them in (recipe, Recipe()))
    other = make(name, recipe)

    def found(gan, step):
        update_once(gan, real_images(), step)
        return gradients["discriminator"]

    for a, b in zip(found(gan, 1), found(plain, 1), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=2e-5 * max(np.abs(b).max(), 1e-6))
    without, total = found(plain, 3), found(gan, 3)
    joint = gan.preset.update == "joint"
    one_pass = np.prod(SHAPE) <= FAST.max_one_pass_values and not gan.discriminate.couples_images
    draw = int64(3 * 8 + (2 if joint or one_pass else 3))

    def judge(images):
        return other.discriminate(images, draw, int64(3)).logits

    fakes = other.generate(randomness.draw_latents(other.preset, 6, key(0, randomness.LATENTS), 3), int64(24))
    between = tf.random.stateless_uniform([6], pair(key(0, randomness.BETWEEN), draw))
    with tf.GradientTape() as tape:
        penalty = 3 * (
            0.35 * penalties.gradient_size(judge, real_images())
            + 0.15 * penalties.gradient_size(judge, fakes)
            + 2.0 * penalties.gradient_off_one(judge, real_images(), fakes, between)
        )
    added = tape.gradient(
        penalty, [v.value for v in other.discriminator.trainable_variables], unconnected_gradients="zero"
    )
    for whole, before, more in zip(total, without, added, strict=True):
        np.testing.assert_allclose(whole, before + more, rtol=0, atol=1e-4 * max(np.abs(whole).max(), 1e-5))
    assert max(np.abs(more).max() for more in added) > 1e-4


@pytest.mark.parametrize("name", ["mnist56", "faces64", "mnist"])
def test_penalties_have_the_gradient_of_plain_layers(name):
    """Through all the fast operations, twice. Keras's own batch normalization is wrong there: its variance takes the mean
    for a constant (tf.nn.moments), which only the first derivative allows."""
    gan = make(name, Recipe(r1=1.0))
    net, x = gan.discriminator, real_images(4)
    for variable in net.trainable_variables:
        variable.assign(variable * 3)  # penalties of some size

    def plain(images):
        for layer in net.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                centred = images - tf.reduce_mean(images, [0, 1, 2])
                variance = tf.reduce_mean(centred**2, [0, 1, 2])
                images = centred * tf.math.rsqrt(variance + layer.epsilon) * layer.gamma + layer.beta
            else:
                images = layer(images, training=True)
        return images

    def penalty_and_gradients(judge):
        with tf.GradientTape() as tape:
            value = penalties.gradient_size(judge, x)
        variables = [variable.value for variable in net.trainable_variables]
        return [value, *tape.gradient(value, variables, unconnected_gradients="zero")]

    expected = penalty_and_gradients(plain)
    got = penalty_and_gradients(tf.function(lambda images: gan.discriminate(images, int64(0), int64(0)).logits))
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=2e-5 * max(float(tf.reduce_max(tf.abs(b))), 1e-3))


def test_flips_are_for_real_images_alone():
    gradients = {}
    gan, plain = (make("mnist56", Recipe(flips=on), keeps=gradients) for on in (True, False))
    update_once(gan, real_images(), 0)
    got = {net: [value.copy() for value in values] for net, values in gradients.items()}
    update_once(plain, flips(real_images(), pair(key(0, randomness.FLIPS), 0)), 0)
    for net, values in got.items():
        for a, b in zip(values, gradients[net], strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=2e-5 * max(np.abs(b).max(), 1e-6))


def test_packs_hold_images_that_follow_each_other():
    x = real_images()
    got = views.packed(x, 2).numpy()
    assert got.shape == (3, 8, 8, 6)
    np.testing.assert_array_equal(got[1], np.concatenate([x[2], x[3]], axis=-1))


def test_noise_falls_to_nothing():
    x, seen = real_images(50), []

    def forward(model, keys):
        return lambda images, draw: seen.append(images.numpy() - x.numpy())

    gan = make("mnist56", Recipe(instance_noise=0.5), arithmetic=dataclasses.replace(FAST, forward=forward))
    for step in (0, 2500, 5000, 9999):
        gan.discriminate(x, int64(1), int64(step))
    assert [noise.std() for noise in seen] == pytest.approx([0.5, 0.25, 0, 0], rel=0.02)
    assert seen[0].mean() == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("name", ["faces64", "mri96"])
def test_without_a_bias_batch_normalization_hides_the_contrast(name):
    x = real_images(16)
    for d_bias in (False, True):
        gan = make(name, Recipe(d_bias=d_bias), bn_epsilon=1e-9)
        bias = gan.discriminator.layers[0].bias
        if d_bias:
            bias.assign(np.linspace(-0.1, 0.1, bias.shape[0]))  # learned: it begins as 0
        plain, strong = (gan.discriminate(images, int64(0), int64(0)).logits.numpy() for images in (x, 1.5 * x))
        assert d_bias != np.allclose(plain, strong, rtol=0, atol=0.01 * plain.std())


def test_a_gain_changes_what_is_shown_and_not_what_is_trained():
    plain, amplified = make("faces64", Recipe()), make("faces64", Recipe(tanh_gain=1.5))
    for step in range(2):
        for gan in (plain, amplified):
            update_once(gan, real_images(), step)
    for owner in ("generator", "discriminator", "g_optimizer", "d_optimizer"):
        for a, b in zip(plain.variables()[owner], amplified.variables()[owner], strict=True):
            np.testing.assert_array_equal(a, b)
    shown = [gan.sampler(10 * latents(gan), training=False).numpy() for gan in (plain, amplified)]
    np.testing.assert_allclose(shown[1], np.clip(1.5 * shown[0], -1, 1), rtol=0, atol=1e-5)


ALL = Recipe(
    loss="hinge", ema=0.9, augment=("colour", "translation", "cutout"), flips=True, r1=0.5, r2=0.5, gradient_penalty=1.0,
    penalty_every=2, minibatch_std=True, packing=2, d_bias=True, spectral_norm=True, d_learning_rate=1e-3,
    instance_noise=0.1, upsampling="even", tanh_gain=1.1,
)  # fmt: skip


def state(gan):
    return [variable.numpy() for owner in gan.variables().values() for variable in owner]


OF_CLASSES = dataclasses.replace(ALL, packing=1, conditional=True, class_norm=True, class_judge="auxiliary")


@pytest.mark.parametrize(
    "name, recipe, policy",
    [("faces64", ALL, "float32"), ("paints200", OF_CLASSES, "mixed_bfloat16")],
    ids=["images-alone", "classes-too"],
)
def test_all_at_once_train_and_go_on_from_their_state(name, recipe, policy):
    whole = make(name, recipe, policy)
    assert float(whole.d_optimizer.learning_rate) == pytest.approx(1e-3)
    before = state(whole)
    for step in range(3):
        metrics = update_once(whole, real_images(), step)
        assert all(np.isfinite(float(value)) for value in metrics.values())
        if step == 1:
            middle = state(whole)
    after = state(whole)
    # The same step again from its state: whatever else had changed in the step would show.
    for variable, value in zip((v for owner in whole.variables().values() for v in owner), middle, strict=True):
        variable.assign(value)
    update_once(whole, real_images(), 2)
    assert all(np.array_equal(a, b) for a, b in zip(after, state(whole), strict=True))
    moved = [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    assert sum(moved) > 0.9 * len(moved)
    assert {"ema", "spectral"} < set(whole.variables())
    assert whole.sampler is not whole.generator and make(name, Recipe()).sampler is not None
