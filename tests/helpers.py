import pytest

from dcgan_tf.errors import UserError


def error_of(call, *arguments, **options) -> str:
    """The one line that a call fails with."""
    with pytest.raises(UserError) as raised:
        call(*arguments, **options)
    message = str(raised.value)
    assert "\n" not in message
    return message
