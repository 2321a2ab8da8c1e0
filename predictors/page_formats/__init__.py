"""Formats of read pages, one file each; they know nothing of the reader."""
