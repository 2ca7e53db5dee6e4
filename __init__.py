"""evenscreen: batch screening of medical images that can prove it is even across skin types."""
