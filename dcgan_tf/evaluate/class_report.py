"""What an evaluation says of each class: a table, or a line in its place."""

from dcgan_tf.common import text
from dcgan_tf.common.errors import printable
from dcgan_tf.evaluate.columns import class_of, column, of_class
from dcgan_tf.evaluate.results import Result

MAX_SHOWN_CLASSES = 20
PER_CLASS, ACCURACY = "per-class", "class-accuracy"
COLUMNS = ((PER_CLASS, "swd"), (PER_CLASS, "kid"), (ACCURACY, "accuracy"))


def class_table(result: Result, epoch: str, names: list[str]) -> str:
    """A row for each class: how many images it was measured by, and each number beside that of real images; of many classes,
    the worst. "" where none of the measures `names` is one of classes.

    epoch: the generator whose numbers are shown.
    """
    known = [(name, number) for name, number in COLUMNS if name in names and _classes_of(result, name, number)]
    classes = list(dict.fromkeys(each for name, number in known for each in _classes_of(result, name, number)))
    if not classes:
        return ""
    title = f"epoch {epoch}, by class" if epoch.isdigit() else f"{printable(epoch)}, by class"
    shown = classes
    if len(classes) > MAX_SHOWN_CLASSES:
        shown = sorted(classes, key=lambda each: _badness(result, epoch, known[0], each), reverse=True)
        shown = shown[:MAX_SHOWN_CLASSES]
        title += f", the {MAX_SHOWN_CLASSES} worst of {len(classes):,}"
    has_images = PER_CLASS in names
    rows = [["class", *(["images"] * has_images), *(head for key in known for head in (column(key).head, "real"))]]
    for each in shown:
        count = result.measures[PER_CLASS].protocol.get(of_class("images", each)) if has_images else None
        cells = [cell for key in known for cell in _cells(result, epoch, key, each)]
        rows.append([printable(each), *(["-" if count is None else f"{count:,}"] * has_images), *cells])
    return f"{title}:\n{text.table(rows, align='<' + '>' * (len(rows[0]) - 1))}"


def class_words(result: Result, epoch: str) -> str:
    """Which classes are the nearest to real images and the farthest from them, as SWD sees it; "" where no two were
    measured."""
    key = COLUMNS[0]
    is_measured = PER_CLASS in result.measures and epoch in result.measures[PER_CLASS].epochs
    classes = _classes_of(result, *key) if is_measured else []
    if len(classes) < 2:
        return ""
    order = sorted(classes, key=lambda each: _badness(result, epoch, key, each))
    nearest, farthest = (
        "{} (SWD {}, real images {})".format(printable(each), *_cells(result, epoch, key, each))
        for each in (order[0], order[-1])
    )
    return f"of the classes, {nearest} is the nearest to real images, {farthest} the farthest: --all shows each"


def _classes_of(result: Result, name: str, number: str) -> list[str]:
    keys = map(class_of, result.measures[name].real)
    return [class_name for found, class_name in keys if found == number and class_name is not None]


def _badness(result: Result, epoch: str, key: tuple[str, str], each: str) -> float:
    """How bad a class is by a number, to sort by: distances as a multiple of that of real images, as that is larger where there
    are few of them; shares as what is missing."""
    value, real = _values(result, epoch, key, each)
    if value is None:
        return float("-inf")
    if key[0] == ACCURACY:
        return -value
    return value / real if real else value


def _cells(result: Result, epoch: str, key: tuple[str, str], each: str) -> list[str]:
    form = column(key).form
    return ["-" if value is None else form.format(value) for value in _values(result, epoch, key, each)]


def _values(result: Result, epoch: str, key: tuple[str, str], each: str) -> tuple[float | None, float | None]:
    """Of a generator, and of real images."""
    measured, number = result.measures[key[0]], of_class(key[1], each)
    return measured.epochs.get(epoch, {}).get(number), measured.real.get(number)
