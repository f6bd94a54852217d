"""The outside world, as typed records: ontologies to load, documents to tag, corpora to learn from.

Public names, each imported from its module:

* ``detect``: ``read`` opens an ontology source in any format; ``FORMATS``
* ``staging``: ``Source``, what ``read`` gives
* ``prefixes``: ``curie``, ``expand``, ``mesh_id``
* ``predicates``: ``predicate``
* ``table_config``: ``TableConfig``, ``read_config``
* ``notes``: ``read_notes``, ``digest``
* ``corpora``: ``read_corpus`` (``read_pubtator``, ``iob``)
"""
