"""Citations of law in text: found by grammar, resolved to nodes of a pack."""
