"""What happens to one image or one batch, in the order it happens. Start with `screen.py`."""
