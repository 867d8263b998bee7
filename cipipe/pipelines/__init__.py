"""Readers: pipeline files -> the model of what runs (layer 1)."""
