"""A bundle opened on a pack: everything that reads a text, ready to run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ontograft.encoders.graph import GraphEncoder
from ontograft.encoders.identity import key_of
from ontograft.encoders.names import NameIndex
from ontograft.encoders.text import TextEncoder
from ontograft.fusion.batch import KnowledgeCollator
from ontograft.fusion.candidates import CandidateFinder
from ontograft.fusion.nearest import NearestConcepts
from ontograft.fusion.retrieval import BY_NAMES, Retriever
from ontograft.kg.vocabulary import Vocabulary
from ontograft.tasks import bundle as bundles
from ontograft.tasks.linking import Linker
from ontograft.tasks.ner import bundled
from ontograft.tasks.ner.bundled import TaggerSettings
from ontograft.tasks.ner.examples import Collator, Example, Preparer, WindowBatch
from ontograft.tasks.ner.graph_types import graph_spans, group_labels
from ontograft.tasks.ner.model import Tagged, Tagger
from ontograft.tasks.ner.predict import Prediction, forward, predict, scored_spans

if TYPE_CHECKING:
    from pathlib import Path

    from ontograft.kg.pack import Pack
    from ontograft.tasks.bundle import Bundle


@dataclass(frozen=True, slots=True)
class OpenTagger:
    """A tagger with what it needs to read texts.

    Attributes:
        model: in evaluation mode, adapters merged.
        settings: those of its bundle.
        prepare: cuts a text and finds its candidates.
        collate: makes batches.
        linker: names concepts; None for a bundle without knowledge, or with its knowledge taken away.
        pack: the graph.
        nearest: finds concepts by vectors; None where there are none.
    """

    model: Tagger
    settings: TaggerSettings
    prepare: Preparer
    collate: Collator
    linker: Linker | None
    pack: Pack
    nearest: NearestConcepts | None

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        """Tag logits and link posteriors of prepared texts."""
        return predict(self.model, examples, self.collate)

    def by_tags(self, prediction: Prediction) -> list[tuple[int, int, str, float]]:
        """The model's entities: first word, last word, label, score."""
        return scored_spans(prediction, self.settings.tags, self.settings.temperature)

    def by_graph(self, example: Example, prediction: Prediction) -> list[tuple[int, int, str, float]]:
        """Entities beside the model's own, typed by the graph; see :func:`ontograft.tasks.ner.graph_types.graph_spans`."""
        taken = [(first, last) for first, last, _ in self.settings.tags.spans(prediction.path)]
        return graph_spans(example, prediction, taken, trained=self.trained_groups)

    @property
    def trained_groups(self) -> dict[int, str]:
        """The model's label of each semantic group that one of its labels covers."""
        return {group: label for label, groups in self.settings.label_groups.items() for group in groups}

    def forward(self, batch: WindowBatch) -> Tagged:
        """What the model makes of one batch."""
        return forward(self.model, batch)


def open_tagger(
    bundle: Bundle,
    pack: Pack,
    *,
    device: str = "cpu",
    prefer: Sequence[str] = (),
    vocabulary: Sequence[str] = (),
    identity: str | Path | None = None,
    knowledge: bool = True,
) -> OpenTagger:
    """Open a bundle on a pack.

    Args:
        bundle: checked by :func:`ontograft.tasks.bundle.load`.
        pack: any pack with vectors of the bundle's graph encoder.
        device: a torch device.
        prefer: ontology prefixes whose ids are shown first.
        vocabulary: ontology prefixes; links are told by concepts that have an id of one of them.
        identity: identity encoder whose vectors of the names the pack holds: words that are no name are sought among these. None takes the
            shipped one where the pack holds its names, and the vectors of the concepts where not.
        knowledge: False takes the candidates away from the same weights.

    Raises:
        BundleDamaged, EncoderError: the bundle does not fit itself or its base encoder.
        VectorsMissing: the pack has no vectors of the bundle's graph encoder, or no names of the identity encoder.
    """
    built, settings = bundled.load(bundle)
    finder = collator = linker = nearest = None
    if settings.arm.has_knowledge and knowledge:
        encoder = GraphEncoder.load(bundle.folder / "graph")
        vectors = pack.vectors(encoder.key()) if settings.arm.needs_vectors else None
        finder = CandidateFinder(pack, lexicon=bundled.lexicon_of(bundle), edges=settings.arm.has_neighbours)
        collator = KnowledgeCollator(pack, vectors, arm=settings.arm, width=settings.attention.concept)
        if vectors is not None and vectors.index_path is not None:
            nearest = NearestConcepts(vectors, encoder, TextEncoder(encoder.base, device=device))
        names = _names(pack, identity, device)
        linker = Linker(
            pack,
            {**group_labels(), **settings.label_groups},
            prefer=(*prefer, *vocabulary),
            retriever=Retriever(pack, nearest) if names is None else Retriever(pack, names, mixture=BY_NAMES),
            vocabulary=Vocabulary(pack, vocabulary) if vocabulary else None,
        )
    prepare = Preparer(built.windower(settings), finder, settings.arm)
    collate = Collator(collator, pad=built.tokenizer.pad_token_id or 0)
    return OpenTagger(built.model.to(device), settings, prepare, collate, linker, pack, nearest)


def _names(pack: Pack, identity: str | Path | None, device: str) -> NameIndex | None:
    """The names of a pack by the vectors of an encoder; of the shipped one only where the pack has them."""
    folder = bundles.identity_encoder(identity)
    return None if identity is None and key_of(folder) not in pack.encoders else NameIndex.open(pack, folder, device=device)
