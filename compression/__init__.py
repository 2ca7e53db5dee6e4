"""From a recipe and a folder of images to a model folder: start at build.py."""
