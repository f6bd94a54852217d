"""Looking at links, concepts, attention and releases, in a notebook or in a page of HTML.

Every function returns a :class:`View`: it shows itself as a picture and a table, and hands code a frame (``to_frame``) or a graph
(``to_networkx``). Views of documents show their text: keep them as carefully as the records themselves.
"""

from __future__ import annotations

from ontograft.explore.concepts import nearest, neighbourhood
from ontograft.explore.documents import attention, links
from ontograft.explore.releases import compare_releases
from ontograft.explore.view import Bar, View

__all__ = ["Bar", "View", "attention", "compare_releases", "links", "nearest", "neighbourhood"]
