"""How a mention is meant: negated, hypothetical, historical, of the family, uncertain. English, by rules."""
