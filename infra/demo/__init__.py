"""The main job on a real stack, as a story with an ending that a person can check."""
