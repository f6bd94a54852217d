"""ICD coding: codes for a whole record, each with the words that show it."""
