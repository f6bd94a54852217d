"""Candidates of a text, and the attention that lets an encoder hear of them."""
