"""Handwriting-like words and lines rendered from the bundled fonts, at the scale of IAM's word crops."""
