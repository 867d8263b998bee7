"""Programs whose own files say what they run, and scripts in other languages: one module each (layer 1)."""
