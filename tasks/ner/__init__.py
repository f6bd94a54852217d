"""Entity recognition on the grafted encoder."""
