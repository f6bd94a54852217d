"""What joins several rooms: ingest, build, tag, train, evaluate, refresh."""
