"""Differentiable augmentation (arXiv:2006.10738): the same kinds of random changes for real and for generated images.

The discriminator sees changed images alone, so that a few thousand images are as good as many more. The changes are
part of the gradient: the generator learns images that look right after any change, and does not learn the changes.
Strengths are those of the paper. Images are [N, H, W, C] float32 in -1..1; gaps are filled with 0, which is grey.
"""

from dcgan_tf.common.backend import tf

MAX_SHIFT_OF_SIDE = 1 / 8
HOLE_OF_SIDE = 1 / 2


def augment(images, kinds: tuple[str, ...], seed):
    """Changed images [N, H, W, C]. kinds: of "colour", "translation", "cutout". seed: int64 [2], which decides all."""
    draws = tf.random.stateless_uniform([7, tf.shape(images)[0]], seed)  # 7 numbers in 0..1 for each image
    if "colour" in kinds:
        images = colour(images, *tf.unstack(draws[:3]))
    if "translation" in kinds:
        images = translation(images, *tf.unstack(draws[3:5]))
    if "cutout" in kinds:
        images = cutout(images, *tf.unstack(draws[5:7]))
    return images


# All arguments of the following functions but the images are random numbers [N], uniform in 0..1.


def colour(images, brightness, saturation, contrast):
    """Adds -0.5..0.5; multiplies the distance from grey by 0..2 and the distance from the image's mean by 0.5..1.5."""
    images += _per_image(brightness - 0.5)
    if images.shape[-1] > 1:
        grey = tf.reduce_mean(images, -1, keepdims=True)
        images = grey + (images - grey) * _per_image(2 * saturation)
    mean = tf.reduce_mean(images, [1, 2, 3], keepdims=True)
    return mean + (images - mean) * _per_image(contrast + 0.5)


def translation(images, down, right):
    """Moves each image by whole pixels, at most an eighth of the side in each direction."""
    height, width, channels = images.shape[1:]
    # A product with a shifted identity moves the pixels: its gradient is a product, too; that of a gather is a slow
    # scatter.
    rows, columns = _shifted_identity(height, down), _shifted_identity(width, right)
    images = tf.reshape(rows @ tf.reshape(images, [-1, height, width * channels]), [-1, height, width, channels])
    images = tf.reshape(tf.transpose(images, [0, 2, 1, 3]), [-1, width, height * channels])
    return tf.transpose(tf.reshape(columns @ images, [-1, width, height, channels]), [0, 2, 1, 3])


def _shifted_identity(side: int, draw):
    """[N, side, side]: matrices with a 1 in row i at column i - shift."""
    max_shift = int(side * MAX_SHIFT_OF_SIDE + 0.5)
    shift = _whole(draw, 2 * max_shift + 1) - max_shift
    return tf.one_hot(tf.range(side)[None] - shift[:, None], side)


def cutout(images, down, right):
    """Makes a rectangle of half the height and width grey; its centre is anywhere in the image."""
    rows, columns = _inside(images.shape[1], down), _inside(images.shape[2], right)  # [N, H], [N, W]
    return images * (1 - rows[:, :, None, None] * columns[:, None, :, None])


def _inside(side: int, draw):
    """[N, side]: 1 at the places of the hole, else 0."""
    hole = int(side * HOLE_OF_SIDE + 0.5)
    start = _whole(draw, side + 1 - hole % 2) - hole // 2
    places = tf.range(side)[None] - start[:, None]
    return tf.cast((places >= 0) & (places < hole), tf.float32)


def flips(images, seed):
    """Mirrors each image, left to right, with a probability of one half. seed: int64 [2]."""
    mirrored = tf.random.stateless_uniform([tf.shape(images)[0], 1, 1, 1], seed) < 0.5
    return tf.where(mirrored, tf.reverse(images, [2]), images)


def _per_image(numbers):
    return numbers[:, None, None, None]


def _whole(draw, count: int):
    """Numbers in 0..1 -> whole numbers from 0 to count - 1, int32."""
    return tf.minimum(tf.cast(draw * count, tf.int32), count - 1)
