"""Measures of images: each module holds one, or one kind, and knows neither nets nor runs."""
