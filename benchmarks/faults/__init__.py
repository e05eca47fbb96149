"""A campaign of faults: killed processes, failing disks, flipped bits; what the program promises is checked after each."""
