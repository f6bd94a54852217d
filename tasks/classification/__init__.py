"""Labels for whole documents: windows and linked concepts pooled by attention, n-grams beside them, both weighed and calibrated."""
