"""How good: recipes trained for equal time and measured; results in results/. `python -m benchmarks.quality.run --help`."""
