"""Latents by seed, against NumPy's own integers and published figures."""

import json
import math
import re
import shutil
import subprocess

import numpy as np
import pytest
from support.helpers import ROOT

from dcgan_tf.common.backend import tf
from dcgan_tf.generators.latents import interpolate, seed_latents, threefry

PAGE = (ROOT / "docs" / "latents.md").read_text(encoding="utf-8")
MASK = 0xFFFFFFFF


# From the known-answer tests that come with Random123, the reference implementation.
@pytest.mark.parametrize(
    "key, counter, words",
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((MASK, MASK), (MASK, MASK), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_threefry_gives_the_published_words(key, counter, words):
    result = threefry(*(tf.constant(word, tf.uint32) for word in (*key, *counter)))
    assert tuple(int(word) for word in result) == words


def reference(seed: int, latent_dim: int, distribution: str) -> list[float]:
    """The latents of one seed, in Python's integers and floats."""
    values = []
    for counter in range(-(-latent_dim // 2)):
        keys = [seed & MASK, 0x67616E7A]
        keys.append(keys[0] ^ keys[1] ^ 0x1BD11BDA)
        x, y = (counter + keys[0]) & MASK, keys[1]
        for step in range(20):
            turn = (13, 15, 26, 6, 17, 29, 16, 24)[step % 8]
            x = (x + y) & MASK
            y = ((y << turn | y >> (32 - turn)) & MASK) ^ x
            if step % 4 == 3:
                turn = step // 4 + 1
                x = (x + keys[turn % 3]) & MASK
                y = (y + keys[(turn + 1) % 3] + turn) & MASK
        a, b = (x + 0.5) / 2**32, (y + 0.5) / 2**32
        if distribution == "uniform":
            values += [2 * a - 1, 2 * b - 1]
        else:
            radius = math.sqrt(-2 * math.log(a))
            values += [radius * math.cos(2 * math.pi * b), radius * math.sin(2 * math.pi * b)]
    return values[:latent_dim]


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.parametrize("latent_dim", [1, 5, 8])
def test_latents_are_those_of_an_independent_implementation(distribution, latent_dim):
    seeds = [0, 1, 2, 77, 2**31 - 1, -1, -(2**31)]
    wanted = np.array([reference(seed, latent_dim, distribution) for seed in seeds], np.float32)
    latents = seed_latents(np.array(seeds, np.int32), latent_dim, distribution).numpy()
    assert latents.dtype == np.float32
    np.testing.assert_allclose(latents, wanted, rtol=2e-7, atol=1e-9)


def vectors() -> list[tuple[int, str, list[float]]]:
    """(seed, distribution, the first eight latents) of each row of the table in the docs."""
    rows = re.findall(r"^\| (\d+) \| (normal|uniform) \| ([-\d., ]+) \|$", PAGE, re.MULTILINE)
    return [(int(seed), distribution, [float(z) for z in latents.split(",")]) for seed, distribution, latents in rows]


def code(language: str) -> str:
    """The block of that language in the docs."""
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[1]


def test_the_table_in_the_docs_is_what_the_program_draws():
    assert [(seed, distribution) for seed, distribution, _ in vectors()] == [
        (seed, distribution) for distribution in ("normal", "uniform") for seed in (1, 2, 1_000_000)
    ]
    for seed, distribution, latents in vectors():
        [drawn] = seed_latents(np.array([seed], np.int32), 8, distribution).numpy()
        np.testing.assert_allclose(drawn, latents, rtol=0, atol=1.1e-7)


def test_the_python_in_the_docs_draws_the_same():
    names = {}
    exec(code("python"), names)
    for seed in (0, 1, 2, 1_000_000, 2**31 - 1):
        for distribution in ("normal", "uniform"):
            [drawn] = seed_latents(np.array([seed], np.int32), 7, distribution).numpy()
            latents = names["latents"](seed, 7, distribution == "uniform")
            np.testing.assert_allclose(drawn, latents, rtol=2e-7, atol=1e-9)


def test_the_javascript_in_the_docs_draws_the_same():
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    asked = [[seed, 7, uniform] for seed in (0, 1, 1_000_000, 2**31 - 1) for uniform in (False, True)]
    program = f"{code('javascript')}\nconsole.log(JSON.stringify({json.dumps(asked)}.map(a => [...latents(...a)])))"
    printed = subprocess.run([node, "-"], input=program, capture_output=True, text=True, check=True).stdout
    for (seed, size, uniform), latents in zip(asked, json.loads(printed), strict=True):
        [drawn] = seed_latents(np.array([seed], np.int32), size, "uniform" if uniform else "normal").numpy()
        np.testing.assert_allclose(drawn, latents, rtol=2e-7, atol=1e-9)


def test_a_seed_has_the_same_latents_in_every_batch_and_in_a_graph():
    draw = tf.function(
        lambda seeds: seed_latents(seeds, 99, "normal"), input_signature=[tf.TensorSpec([None], tf.int32)]
    )
    every = seed_latents(tf.range(1000), 99, "normal").numpy()
    for count in (1, 3, 64, 1000):
        np.testing.assert_array_equal(draw(tf.range(count)), every[:count])
    np.testing.assert_array_equal(draw(tf.constant([7, 500, 7])), every[[7, 500, 7]])


def test_normal_latents_are_normal_and_uniform_ones_uniform():
    scipy_stats = pytest.importorskip("scipy.stats")  # comes with scikit-learn
    normal = seed_latents(tf.range(2000), 100, "normal").numpy().astype(float).ravel()
    uniform = seed_latents(tf.range(2000), 100, "uniform").numpy().astype(float).ravel()
    assert scipy_stats.kstest(normal, "norm").pvalue > 0.001
    assert scipy_stats.kstest(uniform, "uniform", args=(-1, 2)).pvalue > 0.001
    pairs = normal.reshape(2000, 100)
    assert abs(np.corrcoef(pairs[:-1].ravel(), pairs[1:].ravel())[0, 1]) < 0.01  # seeds one after the other
    assert abs(np.corrcoef(pairs[:, :-1].ravel(), pairs[:, 1:].ravel())[0, 1]) < 0.01  # neighbours in a vector


def way(a, b, t, distribution):
    return interpolate(*(tf.constant(x, tf.float32) for x in (a, b, t)), distribution).numpy()


def test_the_way_between_normal_latents_is_an_arc():
    a, b = [[2.0, 0.0], [2.0, 0.0]], [[0.0, 2.0], [0.0, 2.0]]
    np.testing.assert_allclose(
        way(a, b, [1 / 3, 0.5], "normal"), [[math.sqrt(3), 1], [math.sqrt(2), math.sqrt(2)]], atol=1e-6
    )


def test_the_way_between_uniform_latents_is_straight():
    np.testing.assert_allclose(way([[0.8, -1.0]], [[-0.4, 1.0]], [0.25], "uniform"), [[0.5, -0.5]], atol=1e-7)


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_the_ends_are_the_latents_themselves_and_t_is_clipped(distribution):
    a, b = (seed_latents(tf.constant([seed] * 4), 50, distribution).numpy() for seed in (1, 2))
    result = way(a, b, [0.0, -3.0, 1.0, 2.5], distribution)
    np.testing.assert_allclose(result, np.stack([a[0], a[0], b[0], b[0]]), rtol=0, atol=2e-7)


@pytest.mark.parametrize("b", [[1.0, 2.0, 2.0], [2.0, 4.0, 4.0], [-1.0, -2.0, -2.0]])
def test_where_no_arc_is_the_shortest_the_way_is_straight(b):
    a = [1.0, 2.0, 2.0]
    np.testing.assert_allclose(
        way([a], [b], [0.25], "normal"), [0.75 * np.array(a) + 0.25 * np.array(b)], rtol=0, atol=1e-6
    )
