"""One file per revision, frozen once released; they import nothing of ours."""
