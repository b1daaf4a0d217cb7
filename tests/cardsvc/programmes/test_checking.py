"""A programme's file: what is taken, and what each mistake is told."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from cardsvc.programmes.checking import check
from cardsvc.programmes.reading import MAX_BYTES
from cardsvc.programmes.reasons import ProgrammeFileInvalid
from cardsvc.programmes.shape import schema_text

PROJECT = Path(__file__).resolve().parents[3]
EXAMPLE = (PROJECT / "programmes" / "exemple-manuels.yaml").read_text(encoding="utf-8")


def problems_of(raw: bytes | str):
    with pytest.raises(ProgrammeFileInvalid) as refused:
        check(raw if isinstance(raw, bytes) else raw.encode())
    return refused.value.problems


def the_problem(raw: bytes | str):
    [problem] = problems_of(raw)
    return problem


def line_of(text: str, words: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), start=1) if words in line)


def test_the_shipped_example_is_right():
    rules = check(EXAMPLE.encode())
    assert rules.slug == "exemple-manuels"
    assert rules.lines[0].amount_cents == 7000
    assert rules.lines[0].caps.unit_price_cents == 5000
    assert rules.season.last.isoformat() == "2027-05-31"
    assert rules.season.grace.isoformat() == "2027-06-30"


def test_the_whole_file_of_the_documentation_is_right():
    page = (PROJECT / "docs" / "programmes.md").read_text(encoding="utf-8")
    written = page.split("## A whole file\n```yaml\n")[1].split("```")[0]
    rules = check(written.encode())
    assert [(each.funder, each.weight) for each in rules.funders] == [
        ("region", 600_000),
        ("departement", 400_000),
    ]


def test_every_word_of_the_schema_is_explained_in_the_documentation():
    page = (PROJECT / "docs" / "programmes.md").read_text(encoding="utf-8")

    def names(schema):
        for name, each in schema.get("properties", {}).items():
            yield name
            yield from names(each)
        for each in schema.get("$defs", {}).values():
            yield from names(each)

    schema = json.loads(schema_text())
    words = {*names(schema), *schema["$defs"]["category"]["enum"]}
    assert [
        word for word in sorted(words) if f"`{word}" not in page and f"{word}:" not in page
    ] == []


def test_the_published_schema_is_a_schema_and_takes_the_example_as_an_editor_reads_it():
    schema = json.loads(schema_text())
    Draft202012Validator.check_schema(schema)
    # As YAML 1.2's core schema gives it to an editor: numbers are numbers, dates are texts.
    as_read = json.loads(json.dumps(dict(check(EXAMPLE.encode()).document)))
    as_read["format"] = 1
    as_read["priority"] = 100
    assert list(Draft202012Validator(schema).iter_errors(as_read)) == []


def test_values_are_read_to_the_letter():
    rules = check(EXAMPLE.replace("- status: lyceen", "- department: 01").encode())
    assert rules.document["eligibility"]["all"][0] == {"department": "01"}


def test_an_amount_without_quotes_is_exact_too():
    rules = check(EXAMPLE.replace('amount: "70.00"', "amount: 70.10").encode())
    assert rules.lines[0].amount_cents == 7010


def test_an_unknown_field_is_named_with_its_line_and_the_nearest_one():
    text = EXAMPLE.replace("unit_price", "unit_prise")
    problem = the_problem(text)
    assert problem.code == "field_unknown"
    assert problem.line == line_of(text, "unit_prise")
    assert problem.where() == "lines[0].caps.unit_prise"
    assert "« unit_prise »" in problem.sentence
    assert "« unit_price »" in problem.sentence


def test_a_missing_field_is_named(content, write):
    del content["regime"]
    problem = the_problem(write(content))
    assert (problem.code, problem.where()) == ("field_missing", "")
    assert "« regime »" in problem.sentence


def test_all_problems_are_told_at_once_in_the_order_of_their_lines():
    text = (
        EXAMPLE.replace("unit_price", "unit_prise")
        .replace("2027-05-31", "2027-05-32")
        .replace('share: "100"', 'share: "99"')
    )
    found = problems_of(text)
    assert [each.code for each in found] == ["date_invalid", "field_unknown", "shares_not_100"]
    assert [each.line for each in found] == sorted(each.line for each in found)


@pytest.mark.parametrize(
    "amount",
    ["70", "70.0", "70.005", "7e1", ".5", "-70.00", "70,00", "1_0.00", "٧٠.00", "0.00", "07.00"],
)
def test_an_amount_is_euros_with_two_decimals(content, write, amount):
    content["lines"][0]["amount"] = amount
    assert the_problem(write(content)).code == "amount_malformed"


def test_an_amount_ending_in_a_line_break_is_refused(content, write):
    content["lines"][0]["amount"] = "70.00\n"
    assert the_problem(write(content)).code == "amount_malformed"


@pytest.mark.parametrize("shares", [["60", "39.9999"], ["60", "40.0001"], ["100", "100"]])
def test_shares_that_do_not_sum_to_a_hundred_are_refused(content, write, shares):
    names = ["region", "departement"]
    content["funders"] = [
        {"funder": name, "share": share} for name, share in zip(names, shares, strict=True)
    ]
    assert the_problem(write(content)).code == "shares_not_100"


def test_thirds_are_written_with_four_decimals(content, write):
    content["funders"] = [
        {"funder": name, "share": share}
        for name, share in [("region", "33.3334"), ("ville", "33.3333"), ("metropole", "33.3333")]
    ]
    assert sum(each.weight for each in check(write(content)).funders) == 1_000_000


@pytest.mark.parametrize("share", ["33.33333", "sixty", "-60", "6e1", ""])
def test_a_share_is_an_exact_percentage(content, write, share):
    content["funders"] = [{"funder": "region", "share": share}]
    assert the_problem(write(content)).code == "share_malformed"


def test_a_share_of_nothing_is_refused(content, write):
    content["funders"].append({"funder": "ville", "share": "0"})
    assert the_problem(write(content)).code == "share_malformed"


def test_an_end_before_its_beginning_is_refused(content, write):
    content["season"]["until"] = "2026-08-31"
    problem = the_problem(write(content))
    assert (problem.code, problem.where()) == ("season_order", "season.until")


def test_a_grace_before_the_end_is_refused(content, write):
    content["season"]["grace_until"] = "2027-05-30"
    assert the_problem(write(content)).code == "season_order"


@pytest.mark.parametrize("day", ["2026-02-30", "2026-13-01", "01/09/2026", "2026-9-1", "today"])
def test_a_day_that_is_not_one_is_refused(content, write, day):
    content["season"]["from"] = day
    assert the_problem(write(content)).code == "date_invalid"


@pytest.mark.parametrize(
    ("condition", "code", "nearest"),
    [
        ({"grade": "premier"}, "grade_unknown", "premiere"),
        ({"grade": ["seconde", "terminal"]}, "grade_unknown", "terminale"),
        ({"status": "lycéen"}, "status_unknown", "lyceen"),
        ({"grad": "premiere"}, "field_unknown", "grade"),
    ],
)
def test_a_word_that_nobody_knows_is_refused_with_the_nearest(
    content, write, condition, code, nearest
):
    content["eligibility"] = condition
    problem = the_problem(write(content))
    assert problem.code == code
    assert f"« {nearest} »" in problem.sentence


@pytest.mark.parametrize("where", ["categories", "caps"])
def test_an_unknown_category_is_refused(content, write, where):
    if where == "categories":
        content["lines"][0]["categories"] = ["textbook"]
    else:
        content["lines"][0]["caps"] = {"per_category": {"textbook": {"per_day": "1.00"}}}
    codes = {each.code for each in problems_of(write(content))}
    assert "category_unknown" in codes


def test_a_cap_on_a_category_that_the_line_does_not_buy_is_refused(content, write):
    content["lines"][0]["caps"] = {"per_category": {"comics": {"per_day": "1.00"}}}
    assert the_problem(write(content)).code == "cap_category_not_covered"


def test_two_conditions_side_by_side_need_all_or_any(content, write):
    content["eligibility"] = {"status": "lyceen", "grade": "premiere"}
    assert the_problem(write(content)).code == "condition_ambiguous"


@pytest.mark.parametrize(
    "condition",
    [
        {"all": []},
        {},
        {"mef": "2A"},
        {"school": "0690026"},
        {"department": "690"},
        {"fact": {"name": "Handicap"}},
        {"age": {"at": "2026-09-01"}},
    ],
)
def test_a_condition_of_another_shape_is_refused(content, write, condition):
    content["eligibility"] = condition
    assert the_problem(write(content)).code in {"too_few", "value_invalid"}


def test_ages_in_the_wrong_order_are_refused(content, write):
    content["eligibility"] = {"age": {"at": "2026-09-01", "min": 18, "max": 15}}
    assert the_problem(write(content)).code == "age_order"


def test_the_same_line_twice_is_refused(content, write):
    content["lines"].append(content["lines"][0])
    problem = the_problem(write(content))
    assert (problem.code, problem.where()) == ("line_duplicate", "lines[1].id")


def test_the_same_funder_twice_is_refused(content, write):
    content["funders"] = [{"funder": "region", "share": "50"}] * 2
    assert the_problem(write(content)).code == "funder_duplicate"


def test_the_paying_body_is_one_of_the_funders(content, write):
    content["paying_body"] = "regions"
    problem = the_problem(write(content))
    assert problem.code == "paying_body_unknown"
    assert "« region »" in problem.sentence


def test_a_key_written_twice_is_refused_with_both_lines():
    text = EXAMPLE + "regime: regie\n"
    problem = the_problem(text)
    assert problem.code == "duplicate_key"
    assert problem.line == len(text.splitlines())
    assert str(line_of(EXAMPLE, "regime: mandate")) in problem.sentence


def test_aliases_are_refused_before_they_can_grow():
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"
    assert the_problem(bomb).code == "alias_forbidden"
    assert the_problem(EXAMPLE.replace("lyceen", "*x")).code == "alias_forbidden"
    assert the_problem(EXAMPLE.replace("lyceen", "&x lyceen")).code == "alias_forbidden"


def test_tags_are_refused():
    text = EXAMPLE.replace("regime: mandate", 'regime: !!python/object/apply:os.system ["true"]')
    assert the_problem(text).code == "tag_forbidden"


def test_endless_nesting_is_refused():
    assert the_problem("[" * 5000).code == "yaml_too_deep"


def test_conditions_nested_too_deep_are_refused(content, write):
    condition = {"status": "lyceen"}
    for _ in range(12):
        condition = {"not": condition}
    content["eligibility"] = condition
    assert the_problem(write(content)).code == "yaml_too_deep"
    content["eligibility"] = condition["not"]
    check(write(content))


def test_a_huge_file_is_refused_unread():
    assert the_problem(b"a" * (MAX_BYTES + 1)).code == "file_too_large"


def test_another_encoding_is_refused():
    assert the_problem("regime: é".encode("latin-1")).code == "not_utf8"


def test_a_file_of_several_documents_is_refused():
    assert the_problem(EXAMPLE + "---\n" + EXAMPLE).code == "yaml_several_documents"


@pytest.mark.parametrize("raw", ["", "# nothing\n", "a: [", "a: b: c", "\x07", "? [a]\n: b\n"])
def test_what_is_not_yaml_is_refused(raw):
    assert the_problem(raw).code == "yaml_invalid"


def test_a_file_that_is_a_list_or_a_word_is_refused():
    assert the_problem("- a\n").code == "type_wrong"
    assert the_problem("programme\n").code == "type_wrong"


def test_a_list_where_fields_are_wanted_is_refused(content, write):
    content["season"] = ["2026-2027"]
    assert the_problem(write(content)).code == "type_wrong"


def test_too_many_lines_are_refused(content, write):
    content["lines"] = [{**content["lines"][0], "id": f"l{index}"} for index in range(51)]
    assert the_problem(write(content)).code == "too_many"
