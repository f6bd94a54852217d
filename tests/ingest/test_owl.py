import os
import time
from pathlib import Path

import pytest

from ontograft.errors import SourceError, TruncatedSource, UnsafeSource
from ontograft.ingest.detect import read
from ontograft.types import Caveat, Concept, Name, Reject, Relation, Scope, Tombstone

DATA = os.environ.get("ONTOGRAFT_DATA")
PREFIXES = """@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix new: <https://www.omg.org/spec/Commons/AnnotationVocabulary/> .
@prefix old: <https://spec.edmcouncil.org/fibo/ontology/FND/Utilities/AnnotationVocabulary/> .
@prefix oio: <http://www.geneontology.org/formats/oboInOwl#> .
@prefix obo: <http://purl.obolibrary.org/obo/> .
@prefix : <http://x.org/onto/> .
"""
RDF = (
    '<?xml version="1.0"?>\n<!DOCTYPE rdf:RDF [{entities}]>\n<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns:owl="http://www.w3.org/2002/07/owl#" xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#">\n'
    '<owl:Class rdf:about="{about}"><rdfs:label>{label}</rdfs:label></owl:Class>\n</rdf:RDF>\n'
)
X = "http://x.org/onto/"


def load(tmp_path, text, name="onto.ttl", **options):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    source = read(path, **options)
    return source, list(source.records)


def turtle(tmp_path, body, **options):
    return load(tmp_path, PREFIXES + body, **options)[1]


def only(records, kind):
    return [record for record in records if isinstance(record, kind)]


def edges(records, subject=f"{X}C"):
    return {(r.predicate, r.object.removeprefix(X), *(f"{k}={v.replace(X, '')}" for k, v in r.qualifiers)) for r in only(records, Relation)
            if r.subject == subject}  # fmt: skip


def test_header_kinds_labels_and_provenance(tmp_path):
    source, records = load(
        tmp_path,
        PREFIXES
        + """<http://x.org/onto/> a owl:Ontology ; owl:versionIRI <http://x.org/onto/2024-05-06/> ; dct:license "MIT" ;
          owl:imports <http://elsewhere.org/b/> .
        :C a owl:Class ; rdfs:label "see"@fr, "C"@en ; skos:definition "a letter" ; rdfs:comment "no" .
        :p a owl:ObjectProperty ; rdfs:subPropertyOf :q . :d a owl:DatatypeProperty . :a a owl:AnnotationProperty .
        :i a owl:NamedIndividual, :C . :j a :C . :Without%20Label a owl:Class ; owl:deprecated true .
        """,
    )
    assert (source.header.name, source.header.release, source.header.licence) == ("onto", "2024-05-06", "MIT")
    concepts = {c.id.removeprefix(X): c for c in only(records, Concept)}
    kinds = {"C": "Class", "p": "Property", "d": "Property", "a": "Property", "i": "Individual", "j": "Individual"}
    assert {name: c.kind for name, c in concepts.items()} == {**kinds, "Without%20Label": "Class"}
    assert (concepts["C"].name, concepts["C"].definition, concepts["C"].iri) == ("C", "a letter", f"{X}C")
    assert concepts["Without%20Label"].name == "Without Label"
    assert concepts["Without%20Label"].deprecated
    assert concepts["C"].file == str(tmp_path / "onto.ttl")
    assert {(n.text, n.scope, n.lang) for n in only(records, Name)} == {("C", Scope.PREFERRED, "en"), ("see", Scope.EXACT, "fr")}
    assert [c.message.split()[1] for c in only(records, Caveat) if c.kind == "unresolved_import"] == ["http://elsewhere.org/b/,"]
    assert edges(records, f"{X}i") == {("instance_of", "C")}


def test_synonyms_of_all_vocabularies(tmp_path):
    records = turtle(
        tmp_path,
        """:C a owl:Class ; rdfs:label "c" ; new:synonym "one" ; old:synonym "two" ; new:abbreviation "3" ; old:abbreviation "4" ;
        skos:altLabel "five"@de ; skos:hiddenLabel "six" ; oio:hasBroadSynonym "seven" ; oio:hasNarrowSynonym "eight" ;
        oio:hasDbXref "MSH:D1" ; oio:hasAlternativeId "X:9" ; obo:IAO_0100001 :D ; obo:IAO_0000115 "meaning" .""",
    )
    assert {(n.text, n.scope.value, n.type, n.lang) for n in only(records, Name)} == {
        ("one", "EXACT", None, None),
        ("two", "EXACT", None, None),
        ("3", "EXACT", "abbreviation", None),
        ("4", "EXACT", "abbreviation", None),
        ("five", "EXACT", None, "de"),
        ("six", "EXACT", "hidden", None),
        ("seven", "BROAD", None, None),
        ("eight", "NARROW", None, None),
    }
    assert edges(records) == {("xref", "mesh:D1"), ("replaced_by", "D")}
    assert only(records, Tombstone) == [Tombstone("X:9", "merged", f"{X}C")]
    assert only(records, Concept)[0].definition == "meaning"


def test_restrictions_are_typed_edges(tmp_path):
    records = turtle(
        tmp_path,
        """:C a owl:Class ; rdfs:subClassOf :B ,
          [ a owl:Restriction ; owl:onProperty :hasPart ; owl:someValuesFrom :D ] ,
          [ a owl:Restriction ; owl:onProperty :hasPart ; owl:allValuesFrom [ owl:unionOf ( :F :E ) ] ] ,
          [ a owl:Restriction ; owl:onProperty :hasPart ; owl:onClass :D ; owl:minQualifiedCardinality 2 ] ,
          [ a owl:Restriction ; owl:onProperty :size ; owl:cardinality 1 ] ,
          [ a owl:Restriction ; owl:onProperty :size ; owl:hasValue "big" ] ,
          [ owl:unionOf ( :G :H ) ] .
        :C owl:equivalentClass [ owl:intersectionOf ( :K _:r ) ] .
        _:r a owl:Restriction ; owl:onProperty [ owl:inverseOf :of ] ; owl:someValuesFrom :L .
        :C owl:disjointWith :M .""",
    )
    part = "property=hasPart"
    assert edges(records) == {
        ("is_a", "B"),
        ("has_part", "D", part, "restriction=some"),
        ("has_part", "E", part, "restriction=only", "expression=(E or F)"),
        ("has_part", "F", part, "restriction=only", "expression=(E or F)"),
        ("has_part", "D", part, "restriction=min", "cardinality=2"),
        ("size", "owl:Thing", "property=size", "restriction=exactly", "cardinality=1"),
        ("size", "rdfs:Literal", "property=size", "restriction=value", "value=big"),
        ("is_a_one_of", "G", "expression=(G or H)"),
        ("is_a_one_of", "H", "expression=(G or H)"),
        ("is_a", "K", "axiom=equivalent"),
        ("inverse_of", "L", "axiom=equivalent", "property=inverse of of", "restriction=some"),
        ("disjoint_from", "M"),
    }


def test_blank_nodes_by_content(tmp_path):
    one = ":C a owl:Class ; rdfs:subClassOf _:x . _:x owl:onProperty :p ; owl:someValuesFrom [ owl:unionOf ( :A :B ) ] ."
    other = ":C a owl:Class . :C rdfs:subClassOf [ owl:someValuesFrom _:u ; owl:onProperty :p ] . _:u owl:unionOf ( :B :A ) ."
    assert set(only(turtle(tmp_path, one), Relation)) == set(only(turtle(tmp_path, other), Relation))


def test_an_endless_expression_ends(tmp_path):
    records = turtle(
        tmp_path,
        """:C a owl:Class ; rdfs:subClassOf _:x . _:x owl:complementOf _:x .
        :C owl:equivalentClass _:l . _:l owl:unionOf _:m . _:m rdf:first :A ; rdf:rest _:m .""",
    )
    assert ("union_of", "A", "axiom=equivalent", "expression=(A)") in edges(records)


def test_skos(tmp_path):
    records = turtle(
        tmp_path,
        """:S a skos:ConceptScheme . :C a skos:Concept ; skos:prefLabel "c"@en ; skos:broader :B ; skos:narrower :D ; skos:related :E ;
        skos:inScheme :S ; skos:exactMatch <http://id.nlm.nih.gov/mesh/D000001> .""",
    )
    assert [(c.id, c.kind, c.name) for c in only(records, Concept)] == [(f"{X}C", "Class", "c")]
    assert edges(records) == {("is_a", "B"), ("related_to", "E"), ("exact_match", "mesh:D000001")}
    assert edges(records, f"{X}D") == {("is_a", "C")}


def test_malformed_literals_are_kept_as_text(tmp_path):
    records = turtle(tmp_path, ':C a owl:Class ; rdfs:label "ten"^^xsd:integer ; dct:issued "2024-13-45T00:00:00"^^xsd:dateTime .')
    assert [c.kind for c in only(records, Caveat)] == ["malformed_literal"] * 2
    assert only(records, Concept)[0].name == "ten"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.nt", f"<{X}C> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/2002/07/owl#Class> .\n"),
        ("a.jsonld", f'{{"@id": "{X}C", "@type": "http://www.w3.org/2002/07/owl#Class"}}'),
        ("a.n3", PREFIXES + ":C a owl:Class . { ?x a :C } => { ?x a :D } ."),
        ("a.ttl", PREFIXES + ":C a owl:Class ."),
        ("a.owl", RDF.format(entities="", about=f"{X}C", label="c")),
        ("a.rdf", RDF.format(entities="", about=f"{X}C", label="c").encode("utf-16")),
        ("a.xml", RDF.format(entities="", about=f"{X}C", label="<![CDATA[a < b]]>")),
        ("a.trix", '<TriX xmlns="http://www.w3.org/2004/03/trix/trix-1/"><graph><triple><uri>http://x.org/onto/C</uri><uri>http://www.w3.org/1999/02/'
                   '22-rdf-syntax-ns#type</uri><uri>http://www.w3.org/2002/07/owl#Class</uri></triple></graph></TriX>'),
    ],
)  # fmt: skip
def test_syntaxes(tmp_path, name, text):
    _, records = load(tmp_path, text, name, format="owl" if name.endswith("trix") else None)
    assert [c.id for c in only(records, Concept)] == [f"{X}C"]


def test_entities_expand_within_the_bound(tmp_path):
    text = RDF.format(entities="<!ENTITY x 'http://x.org/onto/'><!ENTITY y \"&x;C\">", about="&y;", label="&x;<![CDATA[&x;]]>")
    _, records = load(tmp_path, text, "a.rdf")
    assert [(c.id, c.name) for c in only(records, Concept)] == [(f"{X}C", f"{X}&x;")]


BOMB = '<!ENTITY a "aaaaaaaaaa">' + "".join(f'<!ENTITY {c} "{("&" + q + ";") * 10}">' for q, c in zip("abcdefgh", "bcdefghi", strict=True))


@pytest.mark.parametrize(
    ("entities", "label"),
    [
        (BOMB, "&i;"),
        (f'<!ENTITY a "{"x" * 50_000}">', "&a;" * 20_000),
        (f'<!ENTITY a "{"x" * 900}">', "&a;" * 20_000),
        ('<!ENTITY a SYSTEM "{secret}">', "&a;"),
        ('<!ENTITY a SYSTEM "{secret}">', "unused"),
        ('<!ENTITY % a SYSTEM "{secret}"> %a;', "c"),
        ('<!ENTITY a "&b;"><!ENTITY b "&a;">', "&a;"),
    ],
)
def test_bombs_and_external_entities_are_refused_quickly(tmp_path, entities, label):
    secret = tmp_path / "secret.txt"
    secret.write_text("canary")
    start = time.monotonic()
    with pytest.raises(SourceError, match=r"a\.rdf") as caught:
        load(tmp_path, RDF.format(entities=entities.replace("{secret}", secret.as_uri()), about=f"{X}C", label=label), "a.rdf")
    assert "recursive" in str(caught.value) or isinstance(caught.value, UnsafeSource)
    assert "canary" not in str(caught.value)
    assert time.monotonic() - start < 10


def test_an_external_dtd_is_not_loaded(tmp_path):
    text = RDF.format(entities="", about=f"{X}C", label="c").replace(
        "<!DOCTYPE rdf:RDF []>", '<!DOCTYPE rdf:RDF SYSTEM "file:///nowhere.dtd">'
    )
    assert len(only(load(tmp_path, text, "a.rdf")[1], Concept)) == 1


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.jsonld", '{"@id": "urn:x", "urn:p": ' + "9" * 5000 + "}", "no valid JSON"),
        ("a.jsonld", '{"@id": "urn:x", "urn:p": ' + "[" * 50_000 + "]" * 50_000 + "}", "no valid JSON"),
        ("a.nt", f'<{X}C> <urn:p> "' + "x" * (1 << 25) + '" .\n', "16 MiB"),
        ("a.rdf", "<r>" * 1100 + "</r>" * 1100, "deep"),
        ("a.rdf", f'<!DOCTYPE r [<!ENTITY e "{"&#60;r>" * 1100}{"&#60;/r>" * 1100}">]><r>&e;</r>', "deep"),
    ],
    ids=["number", "lists", "literal", "elements", "entity"],
)
def test_what_no_parser_takes_is_named(tmp_path, name, text, said):
    with pytest.raises(SourceError, match=rf"{name}.*{said}"):
        load(tmp_path, text, name)


@pytest.mark.parametrize("join", ["intersectionOf", "unionOf"])
def test_expressions_that_share_their_parts_are_read_once(tmp_path, join):
    owl = "http://www.w3.org/2002/07/owl#"
    lines = [f"_:b{n} <{owl}{join}> ({f'_:b{n + 1} ' * 10}) ." for n in range(10)]
    lines.append(f"_:b10 <{owl}{join}> (<{X}D> <{X}E>) .\n<{X}C> a <{owl}Class> ; <http://www.w3.org/2000/01/rdf-schema#subClassOf> _:b0 .")
    start = time.process_time()
    found = only(load(tmp_path, "\n".join(lines), "a.ttl")[1], Relation)
    assert {(r.subject, r.object) for r in found} == {(f"{X}C", f"{X}D"), (f"{X}C", f"{X}E")}
    assert time.process_time() - start < 10  # of ten billion ways to them


def test_a_remote_context_is_refused(tmp_path):
    with pytest.raises(UnsafeSource, match="context"):
        load(tmp_path, '{"@context": "http://127.0.0.1:9/c", "@id": "urn:x"}', "a.jsonld")


@pytest.mark.parametrize("cut", [3, 15, 60, 200])
def test_cut_files(tmp_path, cut):
    text = RDF.format(entities="", about=f"{X}C", label="c")
    with pytest.raises(TruncatedSource, match=r"a\.rdf"):
        load(tmp_path, text[:-cut], "a.rdf", format="owl")


def test_statements_that_cannot_be_parsed_are_rejects(tmp_path):
    line = f"<{X}C> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/2002/07/owl#Class> .\n"
    _, records = load(tmp_path, line + "<urn:a> <urn:b> private words .\n" + line.replace("C>", "D>", 1), "a.nt")
    assert [(r.line, "private" in r.reason) for r in only(records, Reject)] == [(2, False)]
    assert len(only(records, Concept)) == 2
    _, records = load(tmp_path, line + f'<{X}C> <{X}p> "a\0b" .\n', "a.nt")
    assert [r.line for r in only(records, Reject)] == [2]


def test_nothing_in_it(tmp_path):
    with pytest.raises(SourceError, match="no class, individual or property"):
        turtle(tmp_path, "<http://x.org/onto/> a owl:Ontology .")


@pytest.mark.skipif(not DATA, reason="ONTOGRAFT_DATA is not set")
@pytest.mark.parametrize("release", ["2025Q1", "2026Q1"])
def test_fibo_against_an_independent_count(release):
    import pyoxigraph as ox

    folder = Path(DATA) / "finance/fibo" / release
    store = ox.Store()
    for path in folder.rglob("*.rdf"):
        store.load(path=str(path), format=ox.RdfFormat.RDF_XML, base_iri=path.as_uri(), lenient=True)
    query = """PREFIX owl: <http://www.w3.org/2002/07/owl#> SELECT DISTINCT ?c
        {VALUES ?t {owl:Class owl:NamedIndividual owl:ObjectProperty owl:DatatypeProperty} ?c a ?t FILTER(isIRI(?c))}"""
    want = {row["c"].value for row in store.query(query)}
    source = read(folder, format="owl")
    records = list(source.records)
    assert source.header.name == "fibo"
    assert len(want) > 8000
    assert want <= {c.iri for c in only(records, Concept)}
    assert not only(records, Reject)
    kinds = [c.kind for c in only(records, Caveat)]
    assert 100 <= kinds.count("unresolved_import") <= 110
    assert kinds.count("skipped_file") >= 1
