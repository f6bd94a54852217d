"""The bundles and the graph encoder that come with Ontograft."""
