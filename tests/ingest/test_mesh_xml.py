import pytest

from ontograft.errors import SeveralReleases, SourceError, TruncatedSource, UnsafeSource
from ontograft.ingest.detect import read
from ontograft.types import Concept, Name, Reject, Relation

DESC = """<?xml version="1.0"?>
<!DOCTYPE DescriptorRecordSet SYSTEM "https://www.nlm.nih.gov/databases/dtd/nlmdescriptorrecordset_20220101.dtd">
<DescriptorRecordSet LanguageCode = "eng">
<DescriptorRecord DescriptorClass = "1">
  <DescriptorUI>D000001</DescriptorUI>
  <DescriptorName><String>Calcimycin</String></DescriptorName>
  <SeeRelatedList><SeeRelatedDescriptor><DescriptorReferredTo><DescriptorUI>D000002</DescriptorUI>
  </DescriptorReferredTo></SeeRelatedDescriptor></SeeRelatedList>
  <PharmacologicalActionList><PharmacologicalAction><DescriptorReferredTo><DescriptorUI>D000900</DescriptorUI>
    <DescriptorName><String>Anti-Bacterial Agents</String></DescriptorName>
    </DescriptorReferredTo></PharmacologicalAction></PharmacologicalActionList>
  <TreeNumberList><TreeNumber>D03.633.100</TreeNumber></TreeNumberList>
  <ConceptList>
   <Concept PreferredConceptYN="Y"><ConceptUI>M0000001</ConceptUI><ConceptName><String>Calcimycin</String></ConceptName>
    <RegistryNumber>37H9VM9WZL</RegistryNumber><ScopeNote>An ionophorous
      antibiotic.</ScopeNote>
    <RelatedRegistryNumberList><RelatedRegistryNumber>52665-69-7 (Calcimycin)</RelatedRegistryNumber></RelatedRegistryNumberList>
    <ConceptRelationList><ConceptRelation RelationName="NRW"><Concept1UI>M0000001</Concept1UI><Concept2UI>M0353609</Concept2UI>
    </ConceptRelation></ConceptRelationList>
    <TermList><Term IsPermutedTermYN="N" LexicalTag="NON"><TermUI>T000002</TermUI><String>Calcimycin</String></Term>
      <Term IsPermutedTermYN="Y" LexicalTag="NON"><TermUI>T000003</TermUI><String>Mycin, Calci</String></Term></TermList></Concept>
   <Concept PreferredConceptYN="N"><ConceptUI>M0353609</ConceptUI><ConceptName><String>A-23187</String></ConceptName>
    <TermList><Term IsPermutedTermYN="N" LexicalTag="LAB"><TermUI>T000001</TermUI><String>A-23187</String></Term></TermList></Concept>
  </ConceptList>
</DescriptorRecord>
<DescriptorRecord DescriptorClass="1"><DescriptorUI>D000002</DescriptorUI><DescriptorName><String>Parent</String></DescriptorName>
  <TreeNumberList><TreeNumber>D03.633</TreeNumber></TreeNumberList></DescriptorRecord>
</DescriptorRecordSet>
"""
SUPP = """<?xml version="1.0"?>
<SupplementalRecordSet><SupplementalRecord SCRClass="1"><SupplementalRecordUI>C000002</SupplementalRecordUI>
<SupplementalRecordName><String>bevonium</String></SupplementalRecordName><Note>structure given</Note>
<HeadingMappedToList><HeadingMappedTo><DescriptorReferredTo><DescriptorUI>*D000001</DescriptorUI></DescriptorReferredTo>
<QualifierReferredTo><QualifierUI>Q000031</QualifierUI></QualifierReferredTo></HeadingMappedTo></HeadingMappedToList>
<ConceptList><Concept PreferredConceptYN="Y"><ConceptUI>M1</ConceptUI><ConceptName><String>bevonium</String></ConceptName>
<TermList><Term><TermUI>T1</TermUI><String>bevonium</String></Term>
<Term LexicalTag="TRD"><TermUI>T2</TermUI><String>Acabel</String></Term></TermList>
</Concept></ConceptList></SupplementalRecord></SupplementalRecordSet>
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "desc2022.xml").write_text(DESC)
    (tmp_path / "supp2022.xml").write_text(SUPP)
    return tmp_path


def only(records, kind):
    return [record for record in records if isinstance(record, kind)]


def test_descriptors_and_supplementary_records(folder):
    source = read(folder)
    records = list(source.records)
    assert (source.header.format, source.header.name, source.header.release) == ("mesh", "mesh", "2022")
    assert source.progress() == source.bytes_total
    concepts = {c.id: c for c in only(records, Concept)}
    assert list(concepts) == ["mesh:D000001", "mesh:D000002", "mesh:C000002"]
    first = concepts["mesh:D000001"]
    assert (first.name, first.definition, first.types, first.line) == ("Calcimycin", "An ionophorous antibiotic.", ("D03.633.100",), 4)
    assert concepts["mesh:C000002"].definition == "structure given"
    assert {(n.concept, n.text, n.scope.value, n.type) for n in only(records, Name)} == {
        ("mesh:D000001", "Mycin, Calci", "EXACT", "permuted"),
        ("mesh:D000001", "A-23187", "NARROW", "lab_number"),
        ("mesh:C000002", "Acabel", "EXACT", "trade_name"),
    }
    assert {(r.subject, r.predicate, r.object, r.qualifiers) for r in only(records, Relation) if r.predicate != "has_concept"} == {
        ("mesh:D000001", "xref", "UNII:37H9VM9WZL", ()),
        ("mesh:D000001", "xref", "CAS:52665-69-7", ()),
        ("mesh:D000001", "has_pharmacological_action", "mesh:D000900", ()),
        ("mesh:D000001", "related_to", "mesh:D000002", ()),
        ("mesh:C000002", "mapped_to", "mesh:D000001", (("qualifier", "mesh:Q000031"), ("major", "true"))),
        ("mesh:D000001", "is_a", "mesh:D000002", (("tree_number", "D03.633.100"),)),
    }
    assert ("relation", "narrow") in next(r.qualifiers for r in only(records, Relation) if r.object == "mesh:M0353609")


def test_pharmacological_actions(tmp_path):
    path = tmp_path / "pa2022.xml"
    path.write_text("<PharmacologicalActionSet><PharmacologicalAction><DescriptorReferredTo><DescriptorUI>D1234</DescriptorUI></DescriptorReferredTo>"
                    "<PharmacologicalActionSubstanceList><Substance><RecordUI>D000001</RecordUI></Substance></PharmacologicalActionSubstanceList>"
                    "</PharmacologicalAction></PharmacologicalActionSet>")  # fmt: skip
    assert [(r.subject, r.predicate, r.object) for r in read(path, format="mesh").records] == [
        ("mesh:D000001", "has_pharmacological_action", "mesh:D1234")
    ]


def test_records_without_id_or_name_are_rejects(folder):
    path = folder / "desc2022.xml"
    path.write_text(DESC.replace("<DescriptorUI>D000002<", "<DescriptorUI>secret words<", 2).replace("<String>Parent</String>", ""))
    rejects = only(read(path).records, Reject)
    assert [(r.line, "secret" in r.reason) for r in rejects] == [(26, False)]


def test_damage_and_danger(folder):
    path = folder / "desc2022.xml"
    path.write_text(DESC[:-100])
    with pytest.raises(TruncatedSource, match=r"desc2022\.xml"):
        list(read(path).records)
    path.write_text(DESC.replace("</DescriptorName>", "</Nonsense>", 1))
    with pytest.raises(SourceError, match="not well-formed"):
        list(read(path).records)
    path.write_text(DESC.replace('_20220101.dtd">', '_20220101.dtd" [<!ENTITY x SYSTEM "file:///etc/hostname">]>').replace("Parent", "&x;"))
    with pytest.raises(UnsafeSource, match="external entity"):
        list(read(path).records)
    path.write_text("<a/>")
    with pytest.raises(SourceError, match="no MeSH XML"):
        list(read(path, format="mesh").records)
    path.write_text("<DescriptorRecordSet></DescriptorRecordSet>")
    with pytest.raises(SourceError, match="no record"):
        list(read(path).records)


def test_several_years(folder):
    (folder / "desc2021.xml").write_text(DESC.replace("20220101", "20210101"))
    with pytest.raises(SeveralReleases, match=r"2021.*2022"):
        read(folder)
