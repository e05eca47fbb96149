"""Images that are files of their own: in a folder, a list, an archive or a table; decoded once, and kept in the cache."""
