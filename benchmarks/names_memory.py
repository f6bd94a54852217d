"""Do ten million names fit in 2 GB? An index of synthetic names of 128 numbers, in 8-bit codes and as a product quantiser.

    python benchmarks/names_memory.py --names 1000000

The vectors are drawn around centres, three to one, as names lie around concepts, but the centres lie in all directions, which no names
do: recall is a lower bound. Queries are names with noise. Written and read by the code that packs use. Reported: bytes on disk for a name,
what that comes to for ten million (with 12 bytes for its concept), resident memory of a process that searches, recall of the true nearest
three, milliseconds a query on one thread.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders import index
from ontograft.jobs.provenance import provenance

RESULT = Path(__file__).parent / "results" / "names_memory.json"
WIDTH, QUERIES, K, TARGET = 128, 500, 3, 10_000_000
# int32 concept and int64 start of each name, beside the index
TABLE_BYTES = 4 + 8


def synthetic(names: int, seed: int = 0) -> NDArray[np.float16]:
    """Unit vectors around a centre for every three names."""
    rng = np.random.default_rng(seed)
    out = np.empty((names, WIDTH), np.float16)
    centres = rng.standard_normal((names // 3 + 1, WIDTH), np.float32)
    for low in range(0, names, 65_536):
        high = min(low + 65_536, names)
        rows = centres[np.arange(low, high) // 3] + 0.6 * rng.standard_normal((high - low, WIDTH), np.float32)
        out[low:high] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return out


def product_quantised(vectors: NDArray[np.float16], path: Path) -> None:
    """The alternative: 64 codes of 8 bits a name in inverted lists."""
    import faiss

    lists = 2 ** round(np.log2(4 * np.sqrt(len(vectors))))
    made = faiss.index_factory(WIDTH, f"IVF{lists},PQ64", faiss.METRIC_INNER_PRODUCT)
    made.train(vectors[np.random.default_rng(0).permutation(len(vectors))[: 40 * lists]].astype(np.float32))
    for low in range(0, len(vectors), 65_536):
        made.add(vectors[low : low + 65_536].astype(np.float32))
    faiss.write_index(made, str(path))


def search(path: Path, queries: Path, probes: int) -> dict[str, Any]:
    """Search in a process of its own, on one thread."""
    code = f"""
import faiss, json, resource, sys, time
import numpy as np
from ontograft.encoders import index
faiss.omp_set_num_threads(1)
def resident():
    return int(open('/proc/self/statm').read().split()[1]) * resource.getpagesize()
before = resident()
opened, queries = index.open_index(sys.argv[1], probes={probes}), np.load(sys.argv[2])
times, ids = [], []
for query in queries:
    began = time.perf_counter()
    ids.append(index.nearest(opened, query[None], {K})[1][0].tolist())
    times.append(time.perf_counter() - began)
print(json.dumps({{'ids': ids, 'times': times, 'resident': resident() - before}}))
"""
    done = subprocess.run([sys.executable, "-c", code, str(path), str(queries)], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", type=int, default=1_000_000)
    options = parser.parse_args()
    import faiss

    vectors = synthetic(options.names)
    rng = np.random.default_rng(1)
    asked = vectors[rng.permutation(options.names)[:QUERIES]].astype(np.float32)
    asked += 0.03 * rng.standard_normal(asked.shape).astype(np.float32)
    flat = faiss.IndexFlatIP(WIDTH)
    for low in range(0, options.names, 65_536):
        flat.add(vectors[low : low + 65_536].astype(np.float32))
    _, truth = flat.search(asked, K)
    del flat
    report: dict[str, Any] = {"names": options.names, "width": WIDTH, "seed": 0, **provenance(), "kinds": {}}
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "queries.npy", asked)
        for kind, build in {"IVF,SQ8 (used)": index.build, "IVF,PQ64": product_quantised}.items():
            path, began = Path(folder) / "names.faiss", time.monotonic()
            build(vectors, path)
            seconds = time.monotonic() - began
            each = path.stat().st_size / options.names
            runs = {}
            for probes in (16, 32, 64):
                found = search(path, Path(folder) / "queries.npy", probes)
                hits = sum(len(set(t) & set(f)) for t, f in zip(truth.tolist(), found["ids"], strict=True))
                runs[f"{probes} lists"] = {
                    f"recall@{K}": round(hits / truth.size, 4),
                    "ms_a_query": round(1000 * statistics.median(found["times"]), 2),
                    "resident_bytes": found["resident"],
                }
            report["kinds"][kind] = {
                "bytes_a_name": round(each, 2),
                "index_of_ten_million_gb": round(each * TARGET / 1e9, 3),
                "with_concepts_gb": round((each + TABLE_BYTES) * TARGET / 1e9, 3),
                "build_seconds": round(seconds, 1),
                "search": runs,
            }
            print(kind, json.dumps(report["kinds"][kind]), flush=True)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
