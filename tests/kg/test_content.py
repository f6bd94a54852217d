"""The content hash does not know order, and sees every item."""

from __future__ import annotations

from ontograft.kg.content import ContentHash, concept_item, name_item, relation_item

ITEMS = [concept_item("X:1"), name_item("X:1", "one", "PREFERRED"), relation_item("X:1", "is_a", "X:0", "")]


def test_order_does_not_matter() -> None:
    assert ContentHash().add(ITEMS).hexdigest() == ContentHash().add(ITEMS[::-1]).hexdigest()


def test_every_item_matters() -> None:
    whole = ContentHash().add(ITEMS).hexdigest()
    assert len({whole, *(ContentHash().add([item for item in ITEMS if item is not left]).hexdigest() for left in ITEMS)}) == 4


def test_fields_do_not_run_into_one_another() -> None:
    assert ContentHash().add([("a", "bc")]).hexdigest() != ContentHash().add([("ab", "c")]).hexdigest()


def test_items_can_be_exchanged_without_reading_the_rest() -> None:
    changed = ContentHash(ContentHash().add(ITEMS).hexdigest()).remove(ITEMS[1:2]).add([name_item("X:1", "eins", "PREFERRED")])
    assert changed.hexdigest() == ContentHash().add([ITEMS[0], name_item("X:1", "eins", "PREFERRED"), ITEMS[2]]).hexdigest()


def test_empty() -> None:
    assert ContentHash().hexdigest() == "0" * 64
    assert ContentHash().add(ITEMS).remove(ITEMS).hexdigest() == "0" * 64
