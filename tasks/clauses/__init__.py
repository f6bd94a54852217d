"""Contracts: clauses with exact spans, their fields, citations and departures from a playbook. A reader's aid, no legal advice."""
