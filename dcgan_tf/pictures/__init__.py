"""Images out: PNG files and grids, GIF and MP4, loss curves."""
