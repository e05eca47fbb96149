"""What `open_source` says of data that it cannot read."""

from dcgan_tf.data.sources import open_source
from support.helpers import error_of


def source_error(data, **wanted) -> str:
    """The one line that opening `data` fails with."""
    return error_of(open_source, str(data), **wanted)
