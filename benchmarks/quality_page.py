"""Makes docs/quality.md and its plots from all results in benchmarks/quality/: `python -m benchmarks.quality_page`."""

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.common import ROOT, table
from benchmarks.quality import RESULTS, STUDIES, VARIANTS

DOCS = ROOT / "docs"
HEAD = """# What each switch gives

Made by `python -m benchmarks.quality_page` from the results in `benchmarks/quality/`, which
`python -m benchmarks.quality STUDY` adds to; the images are real ones that are no part of this repository.

Every row of a table trained for the same time: so many steps of the tutorial recipe, and of another fewer in the ratio of
what a step takes ("cost", measured in turn in one process). SWD is the distance from real images, lower is better, at the
best epoch and at the last one; "real" is what as many other real images score, as good as it gets. MS-SSIM is how alike
two pictures are, and should be near that of real images. "nearer" is the share of pictures that are nearer to a training
image than half of the real images are to another: above 50% they lean on it, and flat pictures do, too; "copied" should be
about 1%. [evaluation.md](evaluation.md) tells more. With one seed, differences of a few points of SWD say nothing.
"""


def main() -> None:
    results = defaultdict(lambda: defaultdict(list))
    for path in sorted(RESULTS.glob("*/*.json")):
        result = json.loads(path.read_text())
        results[result["study"]][result["variant"]].append(result)
    parts = [HEAD]
    for study in (name for name in STUDIES if name in results):
        rows = [_row(variant, results[study][variant]) for variant in VARIANTS if variant in results[study]]
        plot = DOCS / f"quality-{study}.png"
        _draw(results[study], plot)
        parts.append(
            f"{_about(study, results[study])}\n\n{table([_real(results[study]), *rows])}\n\n![SWD]({plot.name})\n"
        )
    (DOCS / "quality.md").write_text("\n".join(parts))


def _about(study: str, variants: dict) -> str:
    result = next(iter(variants.values()))[0]
    shape = "x".join(map(str, result["data"]["image_shape"]))
    machines = sorted({f"{r['machine']['processor']}, {r['precision']}" for runs in variants.values() for r in runs})
    steps = STUDIES[study].steps
    return (
        f"## {study}\n\n{result['data']['images']:,} images of {shape}, batches of {result['batch_size']}, the time of "
        f"{steps:,} steps of the tutorial recipe; on {'; '.join(machines)}."
    )


def _measures(result: dict, epoch: str) -> dict:
    """{measure: its numbers} of the best or the newest epoch."""
    found = result["scores"][epoch]["measures"]
    return {name: next(iter(measure["epochs"].values())) for name, measure in found.items()}


def _row(variant: str, runs: list[dict]) -> dict[str, str]:
    best, last = ([_measures(run, epoch) for run in runs] for epoch in ("best", "newest"))

    def mean(of, measure, name, scale=1.0, digits=1):
        values = [scale * scores[measure][name] for scores in of]
        spread = f" ({min(values):.{digits}f}..{max(values):.{digits}f})" if len(values) > 1 else ""
        return f"{np.mean(values):.{digits}f}{spread}"

    return {
        "recipe": variant,
        "seeds": str(len(runs)),
        "cost": f"{np.mean([run['cost'] for run in runs]):.2f}",
        "SWD, best": mean(best, "swd", "mean"),
        "SWD, last": mean(last, "swd", "mean"),
        "MS-SSIM, best": mean(best, "msssim", "mean", digits=3),
        "distance": mean(best, "diversity", "distance"),
        "nearer": mean(best, "copies", "share_nearer", 100, 0) + "%",
        "copied": mean(best, "copies", "share_copied", 100) + "%",
    }


def _real(variants: dict) -> dict[str, str]:
    """The row of real images: the same for all."""
    measures = next(iter(variants.values()))[0]["scores"]["best"]["measures"]
    real = {name: measure["real"] for name, measure in measures.items()}
    return {
        "recipe": "(real images)",
        "seeds": "",
        "cost": "",
        "SWD, best": f"{real['swd']['mean']:.1f}",
        "SWD, last": "",
        "MS-SSIM, best": f"{real['msssim']['mean']:.3f}",
        "distance": f"{real['diversity']['distance']:.1f}",
        "nearer": f"{100 * real['copies']['share_nearer']:.0f}%",
        "copied": f"{100 * real['copies']['share_copied']:.1f}%",
    }


def _draw(variants: dict, path: Path) -> None:
    """SWD while training, against the share of the time."""
    figure = Figure(figsize=(9, 5), dpi=100, layout="constrained")
    axes = figure.subplots()
    for number, variant in enumerate(name for name in VARIANTS if name in variants):
        for run in variants[variant]:
            steps, swd = np.array([(point["step"], point["swd"]) for point in run["curve"]]).T
            label = variant if run is variants[variant][0] else None
            axes.plot(steps / steps[-1], swd, color=f"C{number % 10}", linestyle="-:"[number // 10 % 2], label=label)
    axes.set(xlabel="share of the time", ylabel="SWD of 1,024 pictures", yscale="log")
    axes.grid(alpha=0.25, which="both")
    axes.legend(frameon=False, bbox_to_anchor=(1, 1), loc="upper left")
    figure.savefig(path)


if __name__ == "__main__":
    main()
