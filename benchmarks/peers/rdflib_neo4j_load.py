"""Load a folder of RDF/XML into Neo4j with rdflib-neo4j: prints seconds and the files that it drops, as JSON.

    python rdflib_neo4j_load.py neo4j://HOST:PORT FOLDER

Needs an environment of its own: ``pip install neo4j==6.4.1 rdflib-neo4j==1.1``. Only parsing and writing are timed, not the imports.
"""

import json
import sys
import time
from pathlib import Path

from neo4j import GraphDatabase
from rdflib import Graph
from rdflib_neo4j import HANDLE_VOCAB_URI_STRATEGY, Neo4jStore, Neo4jStoreConfig

url, folder = sys.argv[1:]
with GraphDatabase.driver(url, auth=("neo4j", "x")) as driver:
    driver.execute_query("CREATE CONSTRAINT n10s_unique_uri IF NOT EXISTS FOR (r:Resource) REQUIRE r.uri IS UNIQUE")
auth = {"uri": url, "database": "neo4j", "user": "neo4j", "pwd": "x"}
config = Neo4jStoreConfig(auth_data=auth, handle_vocab_uri_strategy=HANDLE_VOCAB_URI_STRATEGY.IGNORE, batching=True, batch_size=5000)
graph = Graph(store=Neo4jStore(config=config))
began, dropped = time.monotonic(), []
for path in sorted(Path(folder).rglob("*.rdf")):
    try:
        graph.parse(str(path), format="xml")
    except Exception as error:
        dropped.append({"file": str(path.relative_to(folder)), "error": f"{type(error).__name__}: {error}"})
graph.close(True)
print(json.dumps({"seconds": round(time.monotonic() - began, 2), "dropped": dropped}))
