"""Numbers that say how good generated images are: how near to the real ones, how varied, and whether they are copies."""
