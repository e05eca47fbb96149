"""Convolutions whose gradients are matrix products where oneDNN's own kernels are far from the processor's peak."""

import dataclasses
import math

from dcgan_tf.common.backend import tf
from dcgan_tf.gan.fast.ops import on_cpu

MAX_BLOCK_CHANNELS = 4
# Height times width of the features: with more positions, copying the patches takes longer than the products save.
MAX_PRODUCT_POSITIONS = 4 * 4
MAX_FILTER_GRADIENT_POSITIONS = 8 * 8


@dataclasses.dataclass(frozen=True)
class Convolution:
    """The geometry of a convolution from images [N, H, W, C] to features [N, h, w, F], kernel [kh, kw, C, F].

    A transposed convolution is its input gradient, and has the convolution and the filter gradient as its gradients. So
    three operations serve both, and each is made in the way that is fastest for these sizes.

    may_use_products  small images may become matrices of patches, whose products are faster
    may_use_blocks    the input gradient of few channels may be made in blocks of pixels
    """

    images: tuple[int, int, int]  # H, W, C
    features: tuple[int, int, int]  # h, w, F
    kernel: tuple[int, int]
    strides: tuple[int, int]
    padding: str  # "same" or "valid"
    may_use_products: bool = True
    may_use_blocks: bool = True

    def forward(self, images, kernel):
        """[N, H, W, C] -> [N, h, w, F]"""
        if self._is_dense:
            rows = tf.reshape(images, [-1, math.prod(self.images)])
            return tf.reshape(tf.matmul(rows, self._matrix(kernel)), [-1, *self.features])
        if self._by_products(kernel.dtype, MAX_PRODUCT_POSITIONS):
            rows = tf.matmul(self._patches(images), self._matrix(self._to_blocks(kernel)))
            return tf.reshape(rows, [-1, *self.features])
        return tf.nn.conv2d(images, kernel, self.strides, self.padding.upper())

    def input_gradient(self, features, kernel):
        """[N, h, w, F] -> [N, H, W, C]; the transposed convolution."""
        if self._is_dense:
            rows = tf.matmul(tf.reshape(features, [-1, self.features[-1]]), self._matrix(kernel), transpose_b=True)
            return tf.reshape(rows, [-1, *self.images])
        if self.may_use_blocks and self._has_blocks and self.images[-1] <= MAX_BLOCK_CHANNELS and on_cpu():
            # One to four channels leave most SIMD lanes empty; space-to-depth multiplies them by stride squared.
            blocks = tf.nn.conv2d_transpose(
                features, self._to_blocks(kernel), [tf.shape(features)[0], *self._block_shape], 1, "VALID"
            )
            return self._from_block_image(blocks)
        if self._by_products(kernel.dtype, MAX_PRODUCT_POSITIONS):
            return self._from_patches(
                tf.matmul(
                    tf.reshape(features, [-1, self.features[-1]]),
                    self._matrix(self._to_blocks(kernel)),
                    transpose_b=True,
                )
            )
        shape = [tf.shape(features)[0], *self.images]
        return tf.nn.conv2d_transpose(features, kernel, shape, self.strides, self.padding.upper())

    def filter_gradient(self, images, features):
        """[N, H, W, C] and the gradient [N, h, w, F] -> [kh, kw, C, F]"""
        if self._is_dense:
            rows = tf.reshape(images, [-1, math.prod(self.images)])
            product = tf.matmul(rows, tf.reshape(features, [-1, self.features[-1]]), transpose_a=True)
            return tf.reshape(product, self._kernel_shape)
        if self._by_products(images.dtype, MAX_FILTER_GRADIENT_POSITIONS):
            rows = tf.reshape(features, [-1, self.features[-1]])
            return self._from_blocks(tf.matmul(self._patches(images), rows, transpose_a=True))
        return tf.raw_ops.Conv2DBackpropFilter(
            input=images,
            filter_sizes=self._kernel_shape,
            out_backprop=features,
            strides=[1, *self.strides, 1],
            padding=self.padding.upper(),
        )

    @property
    def _kernel_shape(self):
        return [*self.kernel, self.images[-1], self.features[-1]]

    @property
    def _is_dense(self) -> bool:
        """Whether the kernel covers the whole image, so that there is one position and one patch."""
        return self.features[:2] == (1, 1) and self.kernel == self.images[:2] and self.padding == "valid"

    # Blocks of stride x stride pixels become one position each, with all pixels of a block in its channels. That turns
    # the convolution into one of stride 1, whose kernel has as many blocks as cover the old kernel.

    @property
    def _has_blocks(self) -> bool:
        return self.padding == "same" and self.strides[0] == self.strides[1]

    def _by_products(self, dtype, max_positions: int) -> bool:
        """Whether a matrix of patches is worth its copies: only 16-bit products on a CPU are fast enough."""
        is_small = math.prod(self.features[:2]) <= max_positions
        return self.may_use_products and self._has_blocks and dtype == tf.bfloat16 and is_small and on_cpu()

    @property
    def _blocks(self) -> tuple[int, int]:
        """Height and width of the kernel in blocks."""
        return tuple(-(-size // self.strides[0]) for size in self.kernel)

    @property
    def _block_shape(self):
        """[rows, columns, channels] of the padded image in blocks."""
        rows, columns = (small + blocks - 1 for small, blocks in zip(self.features, self._blocks))
        return [rows, columns, self.strides[0] ** 2 * self.images[-1]]

    def _margins(self):
        """The zeros that pad an image to whole blocks: (top, bottom), then (left, right)."""
        stride = self.strides[0]
        for size, small, kernel, blocks in zip(self.images, self.features, self.kernel, self._block_shape):
            before = max((small - 1) * stride + kernel - size, 0) // 2
            yield before, blocks * stride - size - before

    def _to_block_image(self, images):
        rows, columns = self._margins()
        images = tf.pad(images, [[0, 0], rows, columns, [0, 0]])
        return tf.nn.space_to_depth(images, self.strides[0]) if self.strides[0] > 1 else images

    def _from_block_image(self, blocks):
        images = tf.nn.depth_to_space(blocks, self.strides[0]) if self.strides[0] > 1 else blocks
        (top, _), (left, _) = self._margins()
        return images[:, top : top + self.images[0], left : left + self.images[1]]

    def _to_blocks(self, kernel):
        """[kh, kw, C, F] -> [rows, columns, stride * stride * C, F]"""
        stride, (rows, columns), (*_, channels, filters) = self.strides[0], self._blocks, self._kernel_shape
        kernel = tf.pad(
            kernel, [[0, rows * stride - self.kernel[0]], [0, columns * stride - self.kernel[1]], [0, 0], [0, 0]]
        )
        kernel = tf.reshape(kernel, [rows, stride, columns, stride, channels, filters])
        return tf.reshape(tf.transpose(kernel, [0, 2, 1, 3, 4, 5]), [rows, columns, stride**2 * channels, filters])

    def _from_blocks(self, matrix):
        """[rows * columns * stride * stride * C, F] -> [kh, kw, C, F]"""
        stride, (rows, columns), (*_, channels, filters) = self.strides[0], self._blocks, self._kernel_shape
        kernel = tf.transpose(
            tf.reshape(matrix, [rows, columns, stride, stride, channels, filters]), [0, 2, 1, 3, 4, 5]
        )
        kernel = tf.reshape(kernel, [rows * stride, columns * stride, channels, filters])
        return kernel[: self.kernel[0], : self.kernel[1]]

    def _matrix(self, kernel):
        return tf.reshape(kernel, [-1, self.features[-1]])

    def _patches(self, images):
        """[N, H, W, C] -> [N * h * w, rows * columns * stride * stride * C]: what the kernel sees at each position."""
        blocks, (rows, columns), (height, width, _) = self._to_block_image(images), self._blocks, self.features
        shifted = [blocks[:, i : i + height, j : j + width] for i in range(rows) for j in range(columns)]
        return tf.reshape(tf.concat(shifted, -1), [-1, rows * columns * self._block_shape[-1]])

    def _from_patches(self, patches):
        """The transpose of `_patches`: each pixel gets the sum of its copies."""
        (rows, columns), (height, width, _) = self._blocks, self.features
        patches = tf.reshape(patches, [-1, height, width, rows * columns, self._block_shape[-1]])
        blocks = tf.add_n([
            tf.pad(patches[:, :, :, i * columns + j], [[0, 0], [i, rows - 1 - i], [j, columns - 1 - j], [0, 0]])
            for i in range(rows)
            for j in range(columns)
        ])  # fmt: skip
        return self._from_block_image(blocks)


def conv2d(images, kernel, geometry: Convolution):
    """[N, H, W, C] -> [N, h, w, F], with the gradients that `geometry` makes."""

    @tf.custom_gradient
    def run(images, kernel):
        def gradient(features):
            return geometry.input_gradient(features, kernel), geometry.filter_gradient(images, features)

        return geometry.forward(images, kernel), gradient

    return run(images, kernel)


def conv2d_transpose(features, kernel, geometry: Convolution):
    """[N, h, w, F] -> [N, H, W, C], with the gradients that `geometry` makes."""

    @tf.custom_gradient
    def run(features, kernel):
        def gradient(images):
            return geometry.forward(images, kernel), geometry.filter_gradient(images, features)

        return geometry.input_gradient(features, kernel), gradient

    return run(features, kernel)
