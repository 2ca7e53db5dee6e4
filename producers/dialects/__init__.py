"""Bucket notifications of every dialect become references to objects. Begin with `detect.normalise`."""

from evenscreen.producers.dialects.detect import normalise
from evenscreen.producers.dialects.reference import Dialect, Ignored, Normalised, ObjectReference, Problem

__all__ = ["Dialect", "Ignored", "Normalised", "ObjectReference", "Problem", "normalise"]
