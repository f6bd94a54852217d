from __future__ import annotations

import time

import pytest

from ontograft.tasks.clauses.dates import dates, later
from ontograft.tasks.clauses.fields import Fields
from ontograft.tasks.clauses.obligations import obligations
from ontograft.tasks.clauses.parties import parties
from ontograft.tasks.clauses.quantities import amounts, periods
from ontograft.tasks.clauses.structure import Segment, segments
from ontograft.tasks.clauses.terms_of_contract import contract_terms

DATES = [
    ("May 3, 2006", "2006-05-03"),
    ("the 6th day of April, 1999", "1999-04-06"),
    ("3 May 2006", "2006-05-03"),
    ("9/9/97", "1997-09-09"),
    ("2020-12-31", "2020-12-31"),
    ("2020年5月28日", "2020-05-28"),
    ("二〇二〇年五月", "2020-05"),
    ("31.12.2020", "2020-12-31"),
    ("31/12/2020", "2020-12-31"),
    ("Section 1.2.2010a", None),
    ("February ____, 2017", "2017-02"),
    ("this ___ day of _______, 2013", "2013"),
    ("February 30, 2017", None),
]


@pytest.mark.parametrize(("text", "value"), DATES)
def test_dates_in_iso(text: str, value: str | None) -> None:
    assert [day.value for day in dates(f"As of {text} (the date).")] == ([value] if value else [])


def test_long_lines_of_blanks_take_no_time() -> None:
    assert list(dates("_" * 20_000 + " day of " + "_" * 20_000)) == []


@pytest.mark.parametrize("run", ["1" * 20_000, "自合同签订后" * 2_000, "A and " * 3_000, " " * 20_000, "OAK\n\n" * 3_000])
def test_runs_without_sense_take_no_time(run: str) -> None:
    text = f'This Agreement is made between Oak LLC ("Oak") and Elm Inc. ("Elm").\n\n1. Term. {run}'
    began = time.process_time()
    found = segments(text)
    contract_terms(text, found)
    parties(text, found)
    assert len([*amounts(text), *periods(text)]) < 4_000
    assert time.process_time() - began < 5


@pytest.mark.parametrize(("start", "count", "letter", "end"), [
    ("2020-02-29", 1, "Y", "2021-02-28"), ("2020-01-31", 1, "M", "2020-02-29"), ("2020-12-31", 30, "D", "2021-01-30"),
    ("2017-02", 4, "Y", "2021-02"),
])  # fmt: skip
def test_days_later(start: str, count: int, letter: str, end: str) -> None:
    assert later(start, count, letter) == end


def test_periods_and_amounts() -> None:
    text = (
        "within thirty (30) days, two years, a 12-month term, ninety business days; $1,000.50, US$ 2 million, EUR 5, 10 dollars; 5% of $3"
    )
    assert [p.iso for p in periods(text)] == ["P30D", "P2Y", "P12M", "P90D"]
    assert [(a.value, a.currency) for a in amounts(text)] == [(1000.5, "USD"), (2e6, "USD"), (5.0, "EUR"), (10.0, "USD"), (3.0, "USD")]


@pytest.mark.parametrize(("said", "value", "currency"), [
    ("$2.5 MILLION", 2.5e6, "USD"), ("EUR 150.000,00", 150_000.0, "EUR"), ("EUR 150.000", 150_000.0, "EUR"), ("€12,50", 12.5, "EUR"),
    ("Rs. 10,00,000", 1e6, "INR"), ("INR 2 crore", 2e7, "INR"), ("CHF 1'000'000", 1e6, "CHF"), ("$1.250 million", 1.25e6, "USD"),
    ("Five Hundred Thousand Dollars", 5e5, "USD"), ("One Million Dollars ($1,000,000)", 1e6, "USD"), ("$1,000,000[1] a year", 1e6, "USD"),
])  # fmt: skip
def test_sums_as_they_are_grouped_and_written_out(said: str, value: float, currency: str) -> None:
    assert [(a.value, a.currency) for a in amounts(f"pays {said}.")] == [(value, currency)]


def test_a_period_is_of_the_kind_that_is_said_nearest() -> None:
    text = "1. Term. It renews for one (1) year unless a party gives ninety (90) days' notice."
    (clause,) = segments(text)
    assert [(p.iso, p.kind) for p in Fields(text, [], {}).of(clause)["periods"]] == [("P1Y", "renewal"), ("P90D", "notice")]


@pytest.mark.parametrize(("said", "cap"), [
    ("In no event shall either party's aggregate liability exceed $1,000,000.", "USD 1,000,000"),
    ("NEITHER PARTY'S LIABILITY SHALL EXCEED THE AMOUNTS PAID IN THE TWELVE (12) MONTHS BEFORE OR $2.5 MILLION.",
     "fees of P12M; USD 2,500,000"),
    ("Supplier's maximum liability is limited to the purchase price.", "fees"),
    ("Neither party is liable for indirect damages.", None),
    ("Supplier shall carry insurance with coverage for liability not exceeding $5,000.", None),
    ("Damages, including but not limited to lost profits of $5, are excluded.", None),
    ("任何一方的赔偿责任总额不超过100万元。", "CNY 1,000,000"), ("乙方赔偿责任不超过合同总价的百分之三十。", "合同总价的百分之三十"),
])  # fmt: skip
def test_caps_on_liability(said: str, cap: str | None) -> None:
    text = f"1. Fees. A pays $7.\n\n2. Liability. {said}\n"
    assert contract_terms(text, segments(text)).get("liability_cap") == cap


@pytest.mark.parametrize(("said", "found"), [
    ("本合同自双方签字盖章之日起生效，有效期三年。", {"effective_date": "2023-03-02", "expiration_date": "2026-03-02"}),
    ("合同期限自2023年4月1日起至2025年3月31日止。", {"effective_date": "2023-04-01", "expiration_date": "2025-03-31"}),
    ("期满前60日内任何一方未书面通知终止的，本合同自动续期一年。", {"notice_period": "P60D", "renewal_term": "P1Y"}),
    ("质保期限届满后乙方仍应在三日内到场。", {}),
])  # fmt: skip
def test_terms_of_chinese_contracts(said: str, found: dict[str, str]) -> None:
    text = (
        f"采购合同\n\n甲方与乙方于2023年3月1日签订本合同。\n\n第一条 期限\n{said}\n\n（以下无正文）\n甲方（盖章）：\n日期：2023年3月2日\n"
    )
    assert contract_terms(text, segments(text)) == {"agreement_date": "2023-03-01", **found}


def test_chinese_periods_and_amounts() -> None:
    text = "甲方应于2020年5月28日后三十日内支付人民币5万元，期限为三年。"
    assert [p.iso for p in periods(text)] == ["P30D", "P3Y"]
    assert [(a.value, a.currency) for a in amounts(text)] == [(50_000.0, "CNY")]


def test_parties_with_roles() -> None:
    text = (
        'This Agreement (the "Agreement") dated May 3, 2006 (the "Effective Date") is made by and between '
        'Acorn Tables, Inc., a Nevada corporation ("Acorn" or "Buyer"), with offices at 1 Elm St., Reno, NV 89501 '
        'and Birch Works LLC, an Oregon company ("Supplier").\n\n'
        'WHEREAS, Acorn buys tables (the "Tables");\n'
    )
    found = parties(text, segments(text))
    assert [(p.name, p.aliases) for p in found] == [("Acorn Tables, Inc.", ("Acorn", "Buyer")), ("Birch Works LLC", ("Supplier",))]
    assert all(text[p.span.start : p.span.end] == p.name for p in found)
    zh = "采购合同\n甲方（买方）：橡木家具有限公司\n乙方：桦木工坊\n"
    assert [(p.name, p.role) for p in parties(zh, segments(zh))] == [("橡木家具有限公司", "甲方"), ("桦木工坊", "乙方")]


TERMS = [
    ("continues until December 31, 2010.", "expiration_date", "2010-12-31"),
    ("continues for a period of five (5) years.", "expiration_date", "2011-05-03"),
    ("ends on the third (3rd) anniversary of the Effective Date.", "expiration_date", "2009-05-03"),
    ("continues until terminated by either party.", "expiration_date", "perpetual"),
    ("continues until the earlier of (i) December 31, 2010 and (ii) notice.", "expiration_date", "2010-12-31"),
    ("shall extend for three (3) years thereafter, and may be renewed.", "expiration_date", "2009-05-03"),
    ("continues until the end of the current calendar year.", "expiration_date", "2006-12-31"),
    ("ends one (1) year after the Launch Date.", "expiration_date", "P1Y after the Launch Date"),
    (
        "renews for successive one (1) year terms unless a party gives sixty (60) days prior written notice.",
        "renewal_term",
        "successive P1Y",
    ),
    ("then runs on; thereafter either party may end this Agreement upon three (3) months' written notice.", "notice_period", "P3M"),
    ("renews for one (1) year unless a party gives sixty (60) days prior notice before the end of the term.", "notice_period", "P60D"),
]


@pytest.mark.parametrize(("said", "field", "value"), TERMS)
def test_terms_of_the_contract(said: str, field: str, value: str) -> None:
    text = 'This Agreement is made as of May 3, 2006 (the "Effective Date") by A.\n\n1. Term. '
    text += f"The term of this Agreement begins on the Effective Date and {said}\n"
    assert contract_terms(text, segments(text))[field] == value


def test_a_date_by_a_label_and_terms_that_only_mention_the_term() -> None:
    text = "1. Use. During the term of this Agreement and for two (2) years thereafter A may use B.\n\nExpiration Date: May 3, 2010\n"
    assert contract_terms(text, segments(text))["expiration_date"] == "2010-05-03"


@pytest.mark.parametrize(("said", "day"), [
    ("\"Effective Date\" means June 1, 2006.", "2006-06-01"),
    ("This Agreement shall take effect on the date hereof.", "2006-05-03"),
    ("This Agreement shall be effective as of the date of the last signature below.", "2006-05-09"),
])  # fmt: skip
def test_effective_dates_that_are_said_by_reference(said: str, day: str) -> None:
    text = f"This Agreement is made on May 3, 2006 by A.\n\n1. Beginning. {said}\n\nIN WITNESS WHEREOF\nBy: ____ Date: May 9, 2006\n"
    assert contract_terms(text, segments(text))["effective_date"] == day


@pytest.mark.parametrize(("text", "names"), [
    ("This Agreement is entered into by OAK SOLUTIONS, INC. (\"Oak\"), whose place is 1 Elm St., Reno 94403 and ELM NET, INC. (\"Elm\").",
     ["OAK SOLUTIONS, INC.", "ELM NET, INC."]),
    ("This Agreement is between Oak LLC (\"Oak\"), a company in Reno, (b) Elm Ltd. (\"Elm\"), a company, and (c) Ash Inc. (\"Ash\").",
     ["Oak LLC", "Elm Ltd.", "Ash Inc."]),
    ("This Agreement is made between Oak Limited Partnership (Transporter) and ELM PIPELINE COMPANY (Shipper).\n\nWHEREAS, all is well.",
     ["Oak Limited Partnership", "ELM PIPELINE COMPANY"]),
    ("This Agreement, by and between Oak, Inc. (herein \"Oak\") located in Reno and Elm Corporation located in Elko, is made.",
     ["Oak, Inc.", "Elm Corporation"]),
    ("Each of the undersigned files jointly.\n\n1. Filing. It is joint.\n\n"
     "IN WITNESS WHEREOF they sign.\n\nOAK FUND LP\n\nBy: /s/ A\n\nELM FUND LP\n\nBy: /s/ B\n",
     ["OAK FUND LP", "ELM FUND LP"]),
])  # fmt: skip
def test_parties_in_other_forms(text: str, names: list[str]) -> None:
    found = parties(text, segments(text))
    assert [party.name for party in found] == names
    assert [text[slice(*party.span)] for party in found] == names


@pytest.mark.parametrize(("said", "law"), [
    ("governed by and construed in accordance with the laws of the State of New York, without regard to conflicts", "New York"),
    ("governed by Germany’s law", "Germany"),
    ("governed by English law", "England"), ("governed by the laws of England and Wales", "England and Wales"),
    ("GOVERNED BY THE LAWS OF THE STATE OF TEXAS", "Texas"), ("governed by the laws of the Province of Ontario", "Ontario, Canada"),
])  # fmt: skip
def test_governing_law(said: str, law: str) -> None:
    text = f"1. Parties. A is organized under the laws of Delaware.\n\n2. Law. This Agreement shall be {said}.\n"
    assert contract_terms(text, segments(text))["governing_law"] == law


def test_who_must_do_what() -> None:
    text = "Supplier shall deliver. Neither party may assign this. The Buyer is entitled to a refund. This Agreement shall be governed. "
    text += "The liability of either party shall not exceed $5. Each of the parties shall pay. "
    text += "甲方应当付款，乙方不得转让。"
    found = [(o.bearer, o.modal) for o in obligations(text, 0, len(text), [])]
    assert found == [
        ("Supplier", "must"),
        ("party", "must not"),
        ("Buyer", "may"),
        ("parties", "must"),
        ("甲方", "must"),
        ("乙方", "must not"),
    ]


def test_relative_dates_have_a_day_where_their_anchor_has_one() -> None:
    text = "1. Payment. Thirty (30) days after the Effective Date, and ten (10) days after receipt of an invoice."
    (clause,) = segments(text)
    found = Fields(text, [], {"effective_date": "2006-05-03"}).of(clause)["dates"]
    assert [(d.value, d.relative) for d in found] == [
        ("2006-06-02", "P30D after Effective Date"),
        (None, "P10D after receipt of an invoice"),
    ]


def test_the_anchor_of_a_relative_date_ends_before_an_amount() -> None:
    text = "1. Cap. The fees of twelve months before the claim or $2.5 million, whichever is greater."
    (clause,) = segments(text)
    assert [d.relative for d in Fields(text, [], {}).of(clause)["dates"]] == ["P12M before claim"]


def test_chinese_dates_that_are_relative() -> None:
    text = "甲方应于收到货物后三十日内付款，乙方自合同签订之日起十日内交货，并于期满前六十日通知。"
    clause = Segment(0, len(text), "section")
    found = Fields(text, [], {"effective_date": "2021-05-03"}).of(clause)["dates"]
    assert [(day.relative, day.value) for day in found] == [
        ("P30D after 收到货物", None),
        ("P10D after 合同签订", "2021-05-13"),
        ("P60D before 期满", None),
    ]
    assert [day.text for day in found] == ["于收到货物后三十日内", "自合同签订之日起十日内", "于期满前六十日"]


def test_an_address_is_no_part_of_a_name() -> None:
    text = 'Between OAK HOLDINGS PLC ("the Company") and DR JOHN ROE of 5 High Street, Leeds ("the Executive").\n\n1. Law. None.\n'
    assert [party.name for party in parties(text, segments(text))] == ["OAK HOLDINGS PLC", "DR JOHN ROE"]


def test_a_line_to_sign_on_names_no_party() -> None:
    text = "采购合同\n\n甲方：橡木公司\n乙方：桦木公司\n\n第一条 价款\n\n五元。\n\n甲方（盖章）：    乙方（盖章）：\n"
    assert [party.name for party in parties(text, segments(text))] == ["橡木公司", "桦木公司"]
