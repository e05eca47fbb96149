"""Small sources of images for the tests."""

from dcgan_tf.data.pixels import ImageSource


def source_of(images, **options) -> ImageSource:
    """uint8 [N, H, W, C] as a source."""
    return ImageSource("images", images.shape[1:], len(images), lambda indices: images[indices], "uint8", **options)
