"""Nets of strangers as data: what a file says of a net, in the words of any Keras, and what is made of it here."""
