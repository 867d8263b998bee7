"""Measurements against what people do today, side by side in one run; see README.md."""
