"""Text or graph to vectors."""
