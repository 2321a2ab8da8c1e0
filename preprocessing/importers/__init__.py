"""Parts of `tools.create_labels`: readers of datasets, image checks and splits."""
