"""Object stores: `open_stores` turns settings into buckets by name."""
