"""Examples at the end of --help, for each command: (what it does, the words after the command)."""

EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "train": (
        ("Handwritten digits that come along, to try it:", ""),
        ("Your own pictures, of any size, made 64 by 64:", "photos --image-size 64"),
        ("What it would take, without beginning:", "photos --dry-run"),
    ),
    "resume": (
        ("On from where it stopped:", "checkpoints/paints200"),
        ("For longer than it was begun for:", "checkpoints/paints200 --epochs 1200"),
    ),
    "animate": (("A film of how the pictures got better:", "checkpoints/paints200 --format mp4"),),
    "evaluate": (
        ("How good the best epoch is:", "checkpoints/paints200"),
        ("Which epoch is best, and from now on the one that is taken:", "checkpoints/paints200 --epoch all --set-best"),
        ("The published measure FID:", "checkpoints/paints200 --features inception"),
    ),
    "export": (
        ("For TensorFlow Serving:", "checkpoints/paints200"),
        ("For ONNX Runtime, too:", "checkpoints/paints200 --formats savedmodel onnx"),
    ),
    "generate": (
        ("A hundred pictures:", "checkpoints/paints200 --out new --count 100"),
        ("Of classes, cats and dogs in turn:", "checkpoints/pets --out new --labels cat dog"),
    ),
    "interpolate": (
        ("A walk over three pictures:", "checkpoints/paints200 --seeds 1 2 3 --out walk.mp4"),
        ("Of classes, a cat that becomes a dog:", "checkpoints/pets --seeds 5 --labels cat dog --out walk.mp4"),
    ),
    "prepare": (("A folder larger than memory:", "photos --image-size 64 --out prepared"),),
    "inspect": (
        ("What is in a folder, and what to do about it:", "photos"),
        ("... and a list of those worth training on:", "photos --out clean.txt"),
    ),
    "split": (
        ("A tenth of the scans, never of a patient whose others are trained on:", "scans --by-folder --out lists"),
    ),
    "train-features": (("For digits, and then to measure with it:", "mnist --out features.keras"),),
}
