"""Programs that measure: speed/ how fast, quality/ how good. Each prints tables and writes JSON. `python -m benchmarks.speed.step --help`."""
