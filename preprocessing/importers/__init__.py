"""What `tools.create_labels` is made of: readers of data sets, image checks and splits."""
