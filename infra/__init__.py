"""What starts, reaches and shows the product: the command line, the embedded stack, the demo."""
