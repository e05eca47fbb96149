"""Know your images before you train on them: what is in a set, and which of them to hold out."""
