import pytest

from ontograft.ingest.predicates import predicate
from ontograft.ingest.prefixes import converter, curie, expand, mesh_id


@pytest.mark.parametrize(
    ("raw", "want"),
    [
        ("MSH:D003920", "mesh:D003920"),
        ("MESH:D003920", "mesh:D003920"),
        ("UMLS_CUI:C0011849", "umls:C0011849"),
        ("SNOMEDCT_US_2015_03_01:33176006", "snomedct:33176006"),
        ("NCI2009_04D:C3088", "NCIT:C3088"),
        ("MTHICD9_2006:062.5", "icd9cm:062.5"),
        ("ICD10CM:E11.9", "icd10cm:E11.9"),
        ("mondo:0005015", "MONDO:0005015"),
        ("Orphanet:98", "ORPHA:98"),
        (" HP:0000822 ", "HP:0000822"),
        ("http://purl.obolibrary.org/obo/MONDO_0005015", "MONDO:0005015"),
        ("http://purl.obolibrary.org/obo/NEW_12", "NEW:12"),
        ("https://example.org/a:b", "https://example.org/a:b"),
        ("Fyler:4876", "Fyler:4876"),
        ("part_of", "part_of"),
    ],
)
def test_every_spelling_of_an_id_is_one_curie(raw, want):
    assert curie(raw) == want


def test_folding_twice_changes_nothing_and_the_map_is_unambiguous():
    forms = [form.casefold() for record in converter().records for form in (record.prefix, *record.prefix_synonyms)]
    for record in converter().records:
        assert curie(f"{record.prefix}:1") == f"{record.prefix}:1"
        assert curie(f"{record.uri_prefix}1") == f"{record.prefix}:1"
    assert len({curie(f"{form}:1") for form in forms}) == len(converter().records)


def test_iris_are_compressed_as_the_library_does_it():
    bases = [base for record in converter().records for base in (record.uri_prefix, *record.uri_prefix_synonyms)]
    iris = [base + local for base in bases for local in ("x1", "a/b#c", "", "S_=:/")] + [base[:-1] for base in bases] + ["http://a.org/b"]
    plain = [iri for iri in iris if iri.startswith(("http", "urn:", "/us/", "/akn/")) and "obo/" not in iri]
    assert len(plain) > 300 and [curie(iri) for iri in plain] == [converter().compress(iri) or iri for iri in plain]


def test_expand():
    assert expand("MONDO:0005015") == "http://purl.obolibrary.org/obo/MONDO_0005015"
    assert expand("nobody:1") is None


@pytest.mark.parametrize(
    ("raw", "want"),
    [
        ("D014262", ("mesh:D014262",)),
        ("C012345", ("mesh:C012345",)),
        ("MESH:D1", ("mesh:D1",)),
        ("OMIM:600792 ", ("OMIM:600792",)),
        ("D006470|D003556", ("mesh:D006470", "mesh:D003556")),
        (" D011125+D003123", ("mesh:D011125", "mesh:D003123")),
        ("D006470|-1", ("mesh:D006470",)),
        ("-1", ()),
        ("", ()),
        (None, ()),
    ],
)
def test_identifier_column_of_pubtator(raw, want):
    assert mesh_id(raw) == want


@pytest.mark.parametrize(
    ("raw", "want"),
    [
        ("skos:exactMatch", "exact_match"),
        ("http://www.w3.org/2004/02/skos/core#closeMatch", "close_match"),
        ("owl:sameAs", "same_as"),
        ("oboInOwl:hasDbXref", "xref"),
        ("BFO:0000050", "part_of"),
        ("RO:0009999", "ro_0009999"),
        ("part_of", "part_of"),
        ("hasPart", "has_part"),
    ],
)
def test_predicates_are_snake_case(raw, want):
    assert predicate(raw) == want
