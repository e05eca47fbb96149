"""What a run computes on: devices, other workers, signals, and what is measured of them."""
