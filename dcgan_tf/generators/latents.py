"""The latents of a seed, and the way between two latents; exported signatures compute them in the same way.

A latent is computed from its seed by elementwise integer arithmetic alone (Threefry-2x32-20 in counter mode; Salmon et
al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3"), so that a batch of any size gives each seed the same numbers,
in every process, and a server needs no state. TensorFlow's own stateless draws take one seed for a whole tensor.
"""

import math

from dcgan_tf.common.backend import tf

# Threefry-2x32, as its authors fix it.
ROTATION_BITS = (13, 15, 26, 6, 17, 29, 16, 24)
KEY_PARITY = 0x1BD11BDA
ROUNDS = 20

# The key is (seed, this word). It is "ganz" in ASCII; another word would give every seed another picture.
SECOND_KEY_WORD = 0x67616E7A


def seed_latents(seeds, latent_dim: int, distribution: str):
    """Latents [N, latent_dim], float32, of seeds [N], int32: standard normal, or uniform in -1..1.

    The numbers are computed in float64 and rounded once, so that processors that differ in the last bit of float64
    give the same float32.
    """
    pairs = -(-latent_dim // 2)
    keys = tf.bitcast(seeds, tf.uint32)[:, tf.newaxis]  # [N, 1]
    counters = tf.range(pairs, dtype=tf.int32)[tf.newaxis]  # [1, pairs]
    first, second = threefry(keys, _uint32(SECOND_KEY_WORD), tf.bitcast(counters, tf.uint32), _uint32(0))
    a, b = _unit_interval(first), _unit_interval(second)  # [N, pairs], float64
    if distribution == "uniform":
        a, b = 2 * a - 1, 2 * b - 1
    else:  # Two uniform numbers make two normal ones (Box and Muller 1958).
        radius, angle = tf.sqrt(-2 * tf.math.log(a)), 2 * math.pi * b
        a, b = radius * tf.cos(angle), radius * tf.sin(angle)
    interleaved = tf.reshape(tf.stack([a, b], axis=-1), [-1, 2 * pairs])
    return tf.cast(interleaved[:, :latent_dim], tf.float32)


def interpolate(a, b, t, distribution: str):
    """Latents [N, latent_dim] on the way from a to b [N, latent_dim], float32; t [N], float32, is clipped to 0..1.

    Normal latents lie near a sphere, and so does the way between them (Shoemake 1985, "slerp"; White 2016,
    arXiv:1609.04468); uniform ones fill a cube, where the straight line is.
    """
    t = tf.clip_by_value(t, 0.0, 1.0)[:, tf.newaxis]
    straight = (1 - t) * a + t * b
    if distribution == "uniform":
        return straight
    lengths = tf.norm(a, axis=1, keepdims=True) * tf.norm(b, axis=1, keepdims=True)
    cosine = tf.math.divide_no_nan(tf.reduce_sum(a * b, axis=1, keepdims=True), lengths)
    angle = tf.acos(tf.clip_by_value(cosine, -1.0, 1.0))
    sine = tf.sin(angle)
    weight_a = tf.math.divide_no_nan(tf.sin((1 - t) * angle), sine)
    weight_b = tf.math.divide_no_nan(tf.sin(t * angle), sine)
    # The sine is near 0 where a and b point the same way, or opposite ways, between which no arc is the shortest. The
    # weights are then no good, and the way is straight.
    return tf.where(sine < 1e-3, straight, weight_a * a + weight_b * b)


def threefry(key0, key1, counter0, counter1):
    """Threefry-2x32 with 20 rounds on uint32 tensors that broadcast together -> two random uint32 tensors."""
    keys = (key0, key1, tf.bitwise.bitwise_xor(tf.bitwise.bitwise_xor(key0, key1), _uint32(KEY_PARITY)))
    x0, x1 = counter0 + key0, counter1 + key1
    for step in range(ROUNDS):
        x0 = x0 + x1
        x1 = tf.bitwise.bitwise_xor(_rotate(x1, ROTATION_BITS[step % 8]), x0)
        if step % 4 == 3:
            turn = step // 4 + 1
            x0 = x0 + keys[turn % 3]
            x1 = x1 + keys[(turn + 1) % 3] + _uint32(turn)
    return x0, x1


def _rotate(x, bits: int):
    """uint32 with its bits moved to the left, and those that fall out put in at the right."""
    left, right = tf.bitwise.left_shift(x, _uint32(bits)), tf.bitwise.right_shift(x, _uint32(32 - bits))
    return tf.bitwise.bitwise_or(left, right)


def _unit_interval(x):
    """uint32 -> float64 in 0..1: the middle of its part, 2**-32 wide, and so never 0, whose logarithm is infinite."""
    return (tf.cast(x, tf.float64) + 0.5) * 2.0**-32


def _uint32(value: int):
    return tf.constant(value, tf.uint32)
