"""One pass over image files, in parallel: all are decoded, and what was seen of them is remembered."""

import collections
import contextlib
import math
import sys

import numpy as np

from dcgan_tf.common import pixels
from dcgan_tf.common.console import warn
from dcgan_tf.common.errors import UserError, printable
from dcgan_tf.common.fit import RESIZED, cut
from dcgan_tf.common.progress import counted
from dcgan_tf.common.text import first_three, plural, shape_text
from dcgan_tf.data.decode import decode, decode_first, decode_frames, is_of_disk, stored_range, why_not_decoded
from dcgan_tf.data.decoding.eight_bits import ALL_OF_16_BITS
from dcgan_tf.data.files.image_files import FRAME_MARK, ImageFiles
from dcgan_tf.data.members import LABELS_IGNORED
from dcgan_tf.data.parallel import in_order
from dcgan_tf.data.ranges import bits_of, hardly_used
from dcgan_tf.data.selection import digest
from dcgan_tf.data.sizes import headroom, shape_of_most
from dcgan_tf.data.source import Wanted

ENDINGS_OF_8_BITS = (".jpg", ".jpeg", ".webp", ".bmp", ".gif")


class Survey:
    """Decodes images in one pass, and remembers what it has seen of them.

    Iterate `decoded` to its end first; `facts` and `read` then know which images can be read.

    names: of the files that are images. others: of those that are none. wanted: with a size.
    """

    def __init__(self, files: ImageFiles, names: list[str], others: list[str], wanted: Wanted):
        self._files, self._names, self._others, self._wanted = files, names, others, wanted
        self._kept, self._coloured, self._skipped = [], [], []  # kept: (name of a file, number of a frame)
        self._more_frames = collections.Counter()  # of files of which only the first frame is taken
        self._stored_sizes = collections.Counter()
        self._first_of, self._copies = {}, []  # {digest: index}, [[index, index of the first]]
        self._range, self._range_notes = ALL_OF_16_BITS, []
        self._least, self._most = 255, 0  # of the decoded values
        self._has_16_bits, self._hardly_used = False, None

    def decoded(self):
        """Yields every image that can be read, in order: uint8 [H, W, 3], or with the wanted number of channels; of images
        that are cut, more of one side, see `fit.cover`."""
        self._judge_16_bits()
        result_bytes = math.prod(self._wanted.size) * 3
        with contextlib.closing(in_order(self._decode_file, self._names, result_bytes)) as results:
            in_terminal = sys.stderr.isatty()
            bar = counted(results, "decoding", len(self._names), "image")
            for name, (frames, more) in zip(self._names, bar, strict=True):
                if more:
                    self._more_frames[name] = more
                for frame, result in enumerate(frames):
                    shown = f"{name}{FRAME_MARK}{frame + 1}" if len(frames) > 1 else name
                    if isinstance(result, str):
                        self._skipped.append((shown, result))
                        continue
                    if not self._kept and not in_terminal:
                        warn(f"decoding {plural(len(self._names), 'image')} ...")
                    self._remember(name, frame, shown, result)
                    yield pixels.to_channels(result.pixels, self._wanted.channels or 3)

    def _decode_file(self, name):
        """([the frames of a file that are taken, or in words why not], how many more it has)."""
        content, wanted, more = None, self._wanted, 0
        try:
            content = self._files.content(name)
            if wanted.frames == "all":
                found = decode_frames(content, wanted.fit, wanted.value_range, range_of_16_bits=self._range)
                frames = list(found)
            else:
                first, count = decode_first(content, wanted.fit, wanted.value_range, range_of_16_bits=self._range)
                frames, more = [first], count - 1
        except Exception as error:  # Pillow raises almost anything for a damaged file.
            self._check_disk(name, error)
            return [why_not_decoded(error, content)], 0
        return [why_not_decoded(one, content) if isinstance(one, Exception) else one for one in frames], more

    def _remember(self, name, frame, shown, result):
        first = self._first_of.setdefault(digest(result.pixels), len(self._kept))
        if first != len(self._kept):
            self._copies.append([len(self._kept), first])
        self._kept.append((name, frame, shown))
        self._stored_sizes[result.stored_size] += 1
        self._least = min(self._least, int(result.pixels.min()))
        self._most = max(self._most, int(result.pixels.max()))
        if not pixels.is_grey(result.pixels):
            self._coloured.append(shown)

    def _check_disk(self, name, error):
        if is_of_disk(error):  # The cache would leave the image out for good.
            raise UserError(
                f"{self._files.where(name)} cannot be read: {error.strerror}: check the disk, and run the same command again"
            ) from None  # With a cause, the cache would take it for an error of its own disk.

    def _judge_16_bits(self):
        """Finds out how many of their bits the images of 16 bits use, as cameras and scanners often use 12. All of them are
        decoded for that, once more."""
        if self._wanted.value_range is not None:
            return
        names = [name for name in self._names if not name.lower().endswith(ENDINGS_OF_8_BITS)]
        with contextlib.closing(in_order(self._stored_range, names)) as results:
            ranges = [found for found in results if found]
        if not ranges:
            return
        self._has_16_bits = True
        least, most = min(low for low, _ in ranges), max(high for _, high in ranges)
        bits = bits_of(most)
        if bits is not None:
            self._range = 0, 2**bits - 1
        if bits not in (None, 16):
            self._range_notes.append(
                f"{plural(len(ranges), 'image')} of 16 bits use {bits}: 0..{self._range[1]:,} become black and white; "
                "--value-range says otherwise"
            )
        self._hardly_used = hardly_used(least, most, *self._range)

    def _stored_range(self, name):
        try:
            return stored_range(self._files.content(name))
        except Exception as error:  # Decoding says why it cannot be read.
            self._check_disk(name, error)
            return None

    def facts(self) -> dict:
        """Returns what the pass has found, as a dict for JSON.

        Raises:
            UserError: no image could be read.
        """
        if not self._kept:
            raise UserError(
                f"{self._files.what}: none of {plural(len(self._names), 'image')} can be read: "
                f"{first_three(self._skipped_texts())}"
            )
        classes = self._files.classes([name for name, _, _ in self._kept])
        return {
            "count": len(self._kept),
            "image_shape": [*self._wanted.size, self.result_channels],
            "labels": classes.labels,
            "class_names": classes.names,
            "notes": self._notes() + ([LABELS_IGNORED + classes.problem] if classes.problem else []),
            "headroom": headroom(self._stored_sizes, self._wanted.fit),
            "shape_of_most": shape_of_most(self._stored_sizes, self._wanted.fit),
            "hardly_used": self._range_hardly_used(),
            "names": [shown for _, _, shown in self._kept],
            "copies": self._copies,
            "range_of_16_bits": list(self._range),
        }

    def _range_hardly_used(self):
        """See `ImageSource.hardly_used`. Of 16 bits it is known before they are decoded, of 8 bits by what they became."""
        if self._has_16_bits or self._wanted.value_range is not None:
            return self._hardly_used
        return hardly_used(self._least, self._most, 0, 255)

    def read(self, indices, at=None) -> np.ndarray:
        """Decodes the images at `indices` again: uint8 [n, H, W, C]. at: where they are cut, float [n]; None: not at all."""
        wanted = self._wanted
        images = np.empty((len(indices), *wanted.size, self.result_channels), np.uint8)
        for i, index in enumerate(indices):
            (name, frame, _), content = self._kept[index], None
            try:
                content = self._files.content(name)
                image = decode(
                    content, wanted.fit, wanted.value_range, frame=frame, range_of_16_bits=self._range
                ).pixels
            except Exception as error:
                raise UserError(
                    f"{self._files.where(name)} cannot be read any more: {why_not_decoded(error, content)}"
                ) from error
            image = pixels.to_channels(image, self.result_channels)
            images[i] = image if at is None else cut(image, wanted.size, at[i])
        return images

    @property
    def result_channels(self) -> int:
        return self._wanted.channels or (3 if self._coloured else 1)

    def _skipped_texts(self):
        return [f"{printable(name)} ({why})" for name, why in self._skipped]

    def _notes(self):
        count, coloured = len(self._kept), len(self._coloured)
        skipped = f", {len(self._skipped):,} skipped: {first_three(self._skipped_texts())}" if self._skipped else ""
        notes = [f"{plural(count, 'image')} read{skipped}"]
        if self._others:
            notes.append(
                f"{plural(len(self._others), 'other file')} ignored: {first_three(map(printable, self._others))}"
            )
        if self._more_frames:
            files = first_three(f"{printable(name)} ({more:,})" for name, more in self._more_frames.items())
            notes.append(
                f"{plural(self._more_frames.total(), 'further frame')} left out: {files}: --frames all takes them"
            )
        if set(self._stored_sizes) != {self._wanted.size}:
            notes.append(self._sizes_note())
        notes += self._range_notes
        if self._wanted.channels is None and not coloured:
            notes.append("grey in content: one channel")
        elif self._wanted.channels is None and coloured < count / 2:
            names = first_three(map(printable, self._coloured))
            notes.append(f"three channels, though only {coloured:,} of {count:,} images have colour: {names}")
        elif self._wanted.channels == 1 and coloured:
            notes.append(f"{plural(coloured, 'image')} in colour turned to grey")
        return notes

    def _sizes_note(self):
        fit = self._wanted.fit
        trimmed = " after flat margins were cut off" if fit.trim else ""
        shorter = [min(size) for size in self._stored_sizes]
        sides = min(shorter) if len(set(shorter)) == 1 else f"{min(shorter)} to {max(shorter)}"
        enlarged = sum(n for size, n in self._stored_sizes.items() if fit.headroom(size) < 1)
        return (
            f"{plural(len(self._stored_sizes), 'size')}{trimmed}, shorter side {sides}, {RESIZED[fit.crop]} {shape_text(fit.size)}"
            + (f"; {plural(enlarged, 'image')} enlarged" if enlarged else "")
        )
