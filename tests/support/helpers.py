from pathlib import Path

import pytest

from dcgan_tf.common.errors import UserError

ROOT = Path(__file__).parents[2]  # of the project
H5 = ROOT / "tests" / "h5"  # nets that old TensorFlow saved


def error_of(call, *arguments, **options) -> str:
    """The one line that a call fails with."""
    with pytest.raises(UserError) as raised:
        call(*arguments, **options)
    message = str(raised.value)
    assert "\n" not in message
    return message
