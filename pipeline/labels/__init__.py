"""What happens to reports that come after their images, from a file or a message to the row."""
