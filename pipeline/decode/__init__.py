"""From the bytes of an object to RGB pixels: sniff first, then decode."""

from evenscreen.pipeline.decode.raster import decode

__all__ = ["decode"]
