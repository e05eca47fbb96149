"""How fast: steps, tricks, start-up, input pipeline, several devices. `python -m benchmarks.speed.step --help`."""
