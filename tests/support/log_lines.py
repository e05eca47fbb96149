"""Lines of log.jsonl that are in no file."""

from dcgan_tf.runs.lines import Numbers


def numbers(lines: list[dict]) -> Numbers:
    """Lines as they are read from a file, with all of their numbers."""
    held = Numbers(*dict.fromkeys([*NAMES, *(name for line in lines for name in line)]))
    for line in lines:
        held.append(line)
    return held


NAMES = ("d_loss", "g_loss", "d_real", "d_fake", "diversity", "swd", "kid", "swd_images", "swd_directions")
