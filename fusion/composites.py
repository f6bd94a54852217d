"""What a coordinated mention is short for: "breast and ovarian cancer" names breast cancer and ovarian cancer.

Conjuncts share words at their end ("renal and hepatic failure"), at their beginning ("cancer of the breast and ovary"), at both ("type 1
and 2 diabetes") or nowhere. Which of these is meant the words do not say; a reader takes the first way in which every part is a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Final

_BETWEEN: Final = re.compile(r",?\s+(?:and/or|and|or|as\s+well\s+as)\s+|,\s+|\s*/\s*", re.IGNORECASE)
_MOST: Final = 6  # conjuncts; what has more is a list and no mention


def expansions(text: str) -> Iterator[tuple[str, ...]]:
    """Ways of writing a coordinated mention out, those first in which fewer words are shared; none where nothing is coordinated.

    >>> list(expansions("renal and hepatic failure"))
    [('renal', 'hepatic failure'), ('renal failure', 'hepatic failure')]
    """
    conjuncts = [part.split() for part in _BETWEEN.split(text.strip())]
    if not 2 <= len(conjuncts) <= _MOST or not all(conjuncts):
        return
    first, last = conjuncts[0], conjuncts[-1]
    for before, after in sorted(product(range(len(first)), range(len(last))), key=lambda shared: (sum(shared), shared[0])):
        head, tail = first[:before], last[len(last) - after :]
        parts = ([*(head if i else ()), *own, *(tail if own is not last else ())] for i, own in enumerate(conjuncts))
        yield tuple(" ".join(part) for part in parts)
