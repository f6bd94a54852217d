"""A pack: what a store was compiled to, memory-mapped. Opening takes no time, and all processes share one copy in memory."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ontograft.errors import PackDamaged, PartMissing, VectorsMissing
from ontograft.kg.adjacency import Adjacency
from ontograft.kg.aliases import AliasIndex, AliasTables
from ontograft.kg.compile import Known, compiler
from ontograft.kg.forms import Forms
from ontograft.kg.languages import Languages
from ontograft.kg.manifest import Manifest, Verify, check, current, read_manifest
from ontograft.kg.ngram_writer import KnownNgrams
from ontograft.kg.ngrams import NgramIndex, NgramTables
from ontograft.kg.pack_writer import add_names, add_vectors, write_pack
from ontograft.kg.strings import StringTable, text_hash


@dataclass(frozen=True, slots=True, eq=False)
class PackVectors:
    """Vectors that one encoder made of a pack's concepts.

    Attributes:
        name: the encoder's.
        text: identity vectors, float16 [concepts, width].
        graph: graph vectors, float16 [concepts, width].
        index_path: the FAISS index over the text vectors, where there is one.
        read: hashes of the texts that the encoder read, uint64 [concepts], where they are known.
    """

    name: str
    text: NDArray[np.float16]
    graph: NDArray[np.float16]
    index_path: Path | None
    read: NDArray[np.uint64] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PackNames:
    """Vectors that one encoder made of a pack's names, a name that several concepts share taken once.

    Attributes:
        name: the encoder's.
        index_path: the FAISS index over the names' vectors.
        starts: where the concepts of each name begin, int64 [names + 1].
        concepts: the concepts, int32.
    """

    name: str
    index_path: Path
    starts: NDArray[np.int64]
    concepts: NDArray[np.int32]


class Pack:
    """An open pack, read-only. It stays what it was when a build puts a new one in its place.

    Attributes:
        path: The revision's folder.
        manifest: What it says of itself.
        groups: :class:`~ontograft.types.Group` of each concept, uint8 [n].
        aliases: Finds names in text.
        adjacency: The edges between concepts.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path, self.manifest = path, manifest
        self._ids = self._strings("ids/text")
        self._members: NDArray[np.int64] = self._load("ids/members.npy")
        self._retired: NDArray[np.int32] = self._load("ids/retired.npy")
        self._id_keys: NDArray[np.uint64] = self._load("ids/id_keys.npy")
        self._id_rows: NDArray[np.int32] = self._load("ids/id_rows.npy")
        self._names = self._strings("names/names")
        self._name_starts: NDArray[np.int64] = self._load("names/name_starts.npy")
        self._definitions = self._strings("names/definitions")
        self.groups: NDArray[np.uint8] = self._load("groups.npy")
        self.aliases = AliasIndex(AliasTables(*(self._load(f"aliases/{part}.npy") for part in AliasTables.PARTS)))
        indptr, indices, relations = (self._load(f"adjacency/{part}.npy") for part in ("indptr", "indices", "relations"))
        self.adjacency = Adjacency(indptr, indices, relations, tuple(manifest.relations))
        self.n = len(self.groups)

    @classmethod
    def open(cls, path: str | Path, *, verify: Verify = "stamp") -> Pack:
        """Open a pack, or one revision of it.

        Args:
            path: Its folder.
            verify: ``stamp`` hashes the parts that changed since they were last seen whole, ``full`` all, ``none`` none.

        Raises:
            PackNotFound: There is no pack here.
            PackDamaged: A part is missing or is not as it was written; the message names it.
            PackError: It is of another schema.
        """
        folder = current(Path(path))
        manifest = read_manifest(folder)
        check(folder, manifest, verify=verify)
        return cls(folder, manifest)

    @property
    def hash(self) -> str:
        """What this revision is known by: equal packs have equal hashes."""
        return self.manifest.revision()

    def __len__(self) -> int:
        return self.n

    def id(self, i: int) -> str:
        """The canonical id of a concept."""
        return self._ids[int(self._members[i])]

    def name(self, i: int) -> str:
        """Its preferred name."""
        return self._names[int(self._name_starts[i])]

    def names_of(self, i: int, limit: int = 8) -> list[str]:
        """Some of its names, the preferred ones first."""
        start, end = int(self._name_starts[i]), int(self._name_starts[i + 1])
        return self._names[start : min(end, start + limit)]

    def name_count(self) -> NDArray[np.int64]:
        """How many names each concept has, int64 [n]: a prior of how common it is."""
        return np.diff(self._name_starts)

    def members(self, i: int) -> tuple[str, ...]:
        """The ids that are joined in a concept, the canonical one first."""
        return tuple(self._ids[int(self._members[i]) : int(self._members[i + 1])])

    @cached_property
    def prefixes(self) -> frozenset[str]:
        """Prefixes of the ids of its concepts; of ids that are an IRI or URN what stands before the first colon."""
        return frozenset(id_.partition(":")[0] for id_ in self._ids[: int(self._members[-1])])

    def member_counts(self, concepts: NDArray[Any]) -> NDArray[np.int64]:
        """How many ids are joined in each of some concepts, int64."""
        at = np.asarray(concepts, dtype=np.int64)
        counts: NDArray[np.int64] = self._members[at + 1] - self._members[at]
        return counts

    def all_names(self) -> list[list[str]]:
        """The names of every concept, its own first: quicker than asking one by one."""
        names = list(self._names)
        return [names[start:end] for start, end in pairwise(self._name_starts.tolist())]

    def names_in(self, language: str) -> list[list[str]]:
        """The names of every concept in one language; ``en`` stands for English and for names of which no source says a language."""
        names = self.all_names()
        if f"languages/{Languages.PARTS[0]}.npy" not in self.manifest.parts:
            return names if language == "en" else [[] for _ in names]
        languages = Languages(*(self._load(f"languages/{part}.npy") for part in Languages.PARTS))
        rows = languages.foreign if language == "en" else languages.names_in(language)
        kept = language != "en"
        starts = self._name_starts.tolist()
        return [
            [name for row, name in enumerate(own, start) if (row in rows) is kept or (not kept and row == start)]
            for own, start in zip(names, starts, strict=False)
        ]

    def all_members(self) -> list[list[str]]:
        """The ids that are joined in every concept, the canonical one first."""
        ids = list(self._ids)
        return [ids[start:end] for start, end in pairwise(self._members.tolist())]

    def all_definitions(self) -> list[str]:
        """The definition of every concept, empty where it has none."""
        return list(self._definitions)

    def known(self) -> Known | None:
        """What it knows of names, for the next pack; None where it was compiled by other rules, or lacks a part of it."""
        forms, tables = ([f"{folder}/{part}.npy" for part in kind.PARTS] for folder, kind in (("forms", Forms), ("ngrams", NgramTables)))
        folded = "ngrams/folded.npy"
        if self.manifest.compiler != compiler() or not self.manifest.parts.keys() >= {*forms, *tables, folded}:
            return None
        return Known(Forms(*map(self._load, forms)), KnownNgrams(NgramTables(*map(self._load, tables)), self._load(folded)))

    def definition(self, i: int) -> str | None:
        """Its definition, where it has one."""
        return self._definitions[i] or None

    def id_hashes(self) -> NDArray[np.uint64]:
        """The hash of each concept's canonical id, uint64 [n]: equal ones of two packs are one concept."""
        by_row = np.empty(len(self._id_keys), np.uint64)
        by_row[self._id_rows] = self._id_keys
        return by_row[self._members[:-1]]

    def index_of(self, curie: str) -> int | None:
        """The concept that has this id, canonical or joined, or that succeeds it where it is retired; None for an unknown one."""
        key = np.uint64(text_hash(curie))
        at = int(np.searchsorted(self._id_keys, key))
        while at < len(self._id_keys) and self._id_keys[at] == key:
            row = int(self._id_rows[at])
            if self._ids[row] == curie:
                joined = int(self._members[-1])
                if row >= joined:
                    return int(self._retired[row - joined])
                return int(np.searchsorted(self._members, row, side="right")) - 1
            at += 1
        return None

    @cached_property
    def ngrams(self) -> NgramIndex:
        """Finds names that look like a text.

        Raises:
            PartMissing: An older version built the pack; the message names the command that adds the index.
        """
        parts = [f"ngrams/{part}.npy" for part in NgramTables.PARTS]
        if any(part not in self.manifest.parts for part in parts):
            raise PartMissing(
                f"{self.path.parent}: the pack has no trigrams of its names ({self.manifest.created_by} built it), so only names "
                f"spelt as they are known can be found; add them: `ontograft build --store STORE --out {self.path.parent}`"
            )
        return NgramIndex(NgramTables(*map(self._load, parts)))

    def with_aliases(self, aliases: AliasIndex) -> Pack:
        """The same pack with another alias index (:func:`ontograft.kg.overlay.overlay`)."""
        other = copy.copy(self)
        other.aliases = aliases
        return other

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.n))

    @property
    def encoders(self) -> dict[str, str]:
        """Encoders whose vectors are here: name by hash."""
        return {key: str(value["name"]) for key, value in self.manifest.encoders.items()}

    def vectors(self, encoder_hash: str) -> PackVectors:
        """The vectors of one encoder.

        Raises:
            VectorsMissing: There are none; the message names the command that makes them.
        """
        parts = self._parts(encoder_hash, "text.npy", "--encoder BUNDLE")
        index = self.path / parts["text.faiss"] if "text.faiss" in parts else None
        read = self._load(parts["read.npy"]) if "read.npy" in parts else None
        return PackVectors(self.encoders[encoder_hash], self._load(parts["text.npy"]), self._load(parts["graph.npy"]), index, read)

    def name_vectors(self, encoder_hash: str) -> PackNames:
        """The vectors that one encoder made of the names.

        Raises:
            VectorsMissing: There are none; the message names the command that makes them.
        """
        parts = self._parts(encoder_hash, "names.faiss", "--identity FOLDER")
        starts, concepts = self._load(parts["name_starts.npy"]), self._load(parts["name_concepts.npy"])
        return PackNames(self.encoders[encoder_hash], self.path / parts["names.faiss"], starts, concepts)

    def _parts(self, encoder_hash: str, needed: str, option: str) -> dict[str, str]:
        """Parts of an encoder's vectors by the names of their files."""
        entry = self.manifest.encoders.get(encoder_hash, {"parts": ()})
        parts = {Path(part).name: str(part) for part in entry["parts"]}
        if needed in parts:
            return parts
        there = ", ".join(f"{name} ({key[:12]})" for key, name in self.encoders.items()) or "none"
        raise VectorsMissing(
            f"{self.path.parent}: the pack has no vectors of encoder {encoder_hash[:12]}; those of: {there}. "
            f"Make them: `ontograft build --store STORE --out {self.path.parent} {option}`"
        )

    def _load(self, part: str) -> NDArray[Any]:
        path = self.path / part
        try:
            mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise PackDamaged(f"{path}: this part of the pack cannot be read ({type(error).__name__}); build the pack anew") from error
        # A plain view: indexing a numpy.memmap costs several times as much.
        return np.asarray(mapped).view(np.ndarray)

    def _strings(self, part: str) -> StringTable:
        return StringTable(self._load(f"{part}.npy"), self._load(f"{part}_offsets.npy"))


__all__ = ["Pack", "PackNames", "PackVectors", "add_names", "add_vectors", "write_pack"]
