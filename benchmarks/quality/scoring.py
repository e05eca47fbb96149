"""Scores a run that `benchmarks/quality/run.py` has trained: its best and its last epoch, and all that were kept."""

import contextlib
import io
import json
import math
import shutil
import statistics
from pathlib import Path

from PIL import Image

from benchmarks.quality import process, stacked
from benchmarks.quality.studies import Study, slug
from dcgan_tf.common.files import whole_file
from dcgan_tf.generators.find import Found, find
from dcgan_tf.generators.generator import open_generator
from dcgan_tf.generators.samples import Samples
from dcgan_tf.metrics import swd
from dcgan_tf.pictures.images import PADDING_PIXELS
from dcgan_tf.runs.folder import RunFolder

KID_CURVE_IMAGES = 500  # for KID over time
SWD_IMAGES = 5000  # So many pictures are drawn for the SWD, in as many sets as that takes.
FIRST_SEED_OF_DRAWS = 1000  # A run measures itself by pictures of its own, lower seed.
MAX_SHEET_BYTES = 300_000  # A larger one would weigh on the repository.


def scores(run_dir: Path, study: Study, features: str, reals) -> dict:
    """What `dcgan-tf evaluate` says of the best and of the last epoch, its SWD by several sets of pictures; "real" is the
    floor."""
    best, newest = (find(str(run_dir), epoch) for epoch in ("best", "newest"))
    measure = swd.SWD(reals, study.images or swd.PUBLISHED_IMAGES)  # describes the real images once for both
    of_best = scores_of(best, run_dir, study, features, measure)
    same = newest.epoch == best.epoch
    return {"best": of_best, "newest": of_best if same else scores_of(newest, run_dir, study, features, measure)}


def scores_of(found: Found, run_dir: Path, study: Study, features: str, measure: swd.SWD) -> dict:
    flags = ["--images", str(study.images)] if study.images else []
    scored = evaluation(run_dir, str(found.epoch), features, flags)
    of_swd = scored["measures"]["swd"]
    of_swd["draws"] = swd_of_draws(found, measure)
    of_swd["epochs"][str(found.epoch)] = {
        level: statistics.mean(draw[level] for draw in of_swd["draws"]) for level in of_swd["draws"][0]
    }
    if study.is_stacked:  # the net tells one digit, and no stack of three
        scored["measures"].pop("modes", None)
        scored["stacked_modes"] = stacked.modes(
            Samples(open_generator(str(found.path)), stacked.SAMPLES), Path(features)
        )
    return scored


def swd_of_draws(found: Found, measure: swd.SWD) -> list[dict[str, float]]:
    """The SWD of several sets of pictures from as many real images, by level, and its mean."""
    generator, draws = open_generator(str(found.path)), []
    for number in range(math.ceil(SWD_IMAGES / measure.images)):
        levels = measure.score(Samples(generator, measure.images, FIRST_SEED_OF_DRAWS + number))
        draws.append({str(height): value for height, value in levels.items()} | {"mean": swd.mean(levels)})
    return draws


def curve_of_kept(run_dir: Path, features: str, steps_per_epoch: int) -> tuple[list[dict], dict]:
    """KID and its standard error, precision, recall, FID and SWD of all epochs that were kept, and those of real images."""
    wanted = ["--metrics", "swd", "fid", "kid", "precision-recall", "--images", str(KID_CURVE_IMAGES)]
    measures = evaluation(run_dir, "all", features, wanted)["measures"]
    found = {name: measure["epochs"] | {"real": measure["real"]} for name, measure in measures.items()}

    def row(at: str) -> dict:
        in_features = found["kid"][at] | found["precision-recall"][at] | found["fid"][at]
        return in_features | {"swd": found["swd"][at]["mean"]}

    epochs = sorted(measures["kid"]["epochs"], key=int)
    return [{"step": int(epoch) * steps_per_epoch} | row(epoch) for epoch in epochs], row("real")


def evaluation(run_dir: Path, epoch: str, features: str, flags: list[str]) -> dict:
    """What is in evaluation.json of an epoch; what real images score is worked out once for all runs of a study."""
    out = run_dir / f"evaluation-{epoch}"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    reals, path = run_dir.with_name(f"real{slug(' '.join(flags))}.json"), out / "evaluation.json"
    with contextlib.suppress(FileNotFoundError):
        shutil.copy(reals, path)
    command = ["evaluate", str(run_dir), "--epoch", epoch, "--out", str(out), "--features", features, *flags]
    process.run(["-m", "dcgan_tf.cli", *command])
    found = json.loads(path.read_text())
    without = {name: measure | {"epochs": {}} for name, measure in found["measures"].items()}
    with whole_file(reals) as beside:
        beside.write_text(json.dumps({"measures": without}))
    for name in ("source", "calls", "earlier"):  # The first two hold paths of the machine that measured.
        found.pop(name, None)
    return found


def keep_sheet(run_dir: Path, image_shape: list[int], path: Path) -> None:
    """Keeps the sample sheet of the best epoch; of one that is too large as a file, as many rows and columns as fit."""
    with Image.open(RunFolder(run_dir).picture(find(str(run_dir), "best").epoch)) as sheet:
        sheet.load()
    # Of a tile with its border; so large a sheet is not enlarged.
    height, width = (side + PADDING_PIXELS for side in image_shape[:2])
    for tiles in range(sheet.height // height, 0, -1):
        with io.BytesIO() as file:
            sheet.save(file, "PNG", optimize=True)
            if file.tell() <= MAX_SHEET_BYTES:
                path.write_bytes(file.getvalue())
                return
        sides = (
            min(whole, PADDING_PIXELS + (tiles - 1) * side)
            for whole, side in ((sheet.width, width), (sheet.height, height))
        )
        sheet = sheet.crop((0, 0, *sides))
