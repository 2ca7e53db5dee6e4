"""What a figure is worth: intervals, and later multiplicity and verdicts."""
