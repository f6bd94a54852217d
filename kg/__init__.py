"""The graph: stores, releases, refresh, joining; and the pack that a store is compiled to."""
