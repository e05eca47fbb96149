"""Programs that measure: speed/ how fast, quality/ how good, faults/ what holds when things fail.

Each prints tables and writes JSON: `python -m benchmarks.speed.step --help`.
"""
