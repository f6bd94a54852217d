"""Vectors to answers: recognition, linking; bundles, training, metrics."""
