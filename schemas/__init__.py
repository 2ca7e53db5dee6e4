"""Every contract: events, identity, reasons, errors, manifest, metadata, metric names, settings, tables."""
