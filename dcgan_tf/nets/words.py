"""What strangers' files and the libraries that read them say, fit for one line of a message."""

from dcgan_tf.common.errors import first_line, printable

MAX_NAME_CHARACTERS = 60
MAX_REASON_CHARACTERS = 200  # Keras adds whole settings to some messages.


def shown(name) -> str:
    """Whatever a file has in place of a name, printable, and cut short."""
    text = printable(name)
    return text if len(text) <= MAX_NAME_CHARACTERS else f"{text[:MAX_NAME_CHARACTERS]}..."


def reason(error: Exception) -> str:
    """The first line of a library's error, or what the system says of a file, without its number and path."""
    return first_line(getattr(error, "strerror", None) or error)[:MAX_REASON_CHARACTERS]
