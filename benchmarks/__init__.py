"""Programs that measure; each prints one table and writes one JSON file. `python -m benchmarks.step --help`."""
