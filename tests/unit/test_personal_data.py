import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.personal_data import Finding, find_personal_data, leaks, names_spoken


def kinds(text: str) -> list[str]:
    return [finding.kind for finding in find_personal_data(text)]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("email", "ana.lopez+shop@mail.example.co.uk"),
        ("email", "bob at mail dot com"),
        ("phone", "+44 20 7946 0958"),
        ("phone", "(415) 555-0134"),
        ("phone", "415-555-0134"),
        ("phone", "415.555.0134"),
        ("phone", "06 12 34 56 78"),
        ("phone", "030/1234567"),
        ("phone", "555-0134"),
        ("phone", "07911234567"),
        ("phone", "+12025550147"),
        ("card", "4111 1111 1111 1111"),
        ("card", "378282246310005"),
        ("card", "5555-5555-5555-4444"),
        ("iban", "DE89 3704 0044 0532 0130 00"),
        ("iban", "GB82WEST12345698765432"),
        ("national_id", "123-45-6789"),
        ("address", "221B Baker Street"),
        ("address", "350 5th Ave"),
        ("address", "12 rue de la Paix"),
        ("address", "Calle de Alcalá 45"),
        ("address", "Lindenstraße 12"),
        ("address", "PO Box 881"),
        ("address", "SW1A 1AA"),
        ("number", "ORD-48213"),
        ("number", "#48213-77"),
        ("number", "1Z999AA10123456784"),
        ("number", "993847112"),
    ],
)
def test_personal_data_is_found_whole_within_a_sentence(kind: str, text: str) -> None:
    assert find_personal_data(f"The customer left {text}, and waits.") == (Finding(kind, text),)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("order 48213 is late", "48213"),
        ("Order number: A1-99812.", "A1-99812"),
        ("the booking reference XK4T9Q", "XK4T9Q"),
        ("ticket no. 5551", "5551"),
        ("her account is 99123", "99123"),
    ],
)
def test_a_short_number_counts_after_the_word_that_says_what_it_is(text: str, number: str) -> None:
    assert find_personal_data(text) == (Finding("number", number),)


@pytest.mark.parametrize(
    "text",
    [
        "a refund of 45.90 within 3-5 business days",
        "on 2026-03-14, 14.03.2026 10.30 or 3/4/26",
        "the contract of 2019-2023 and the order 2024",
        "1,249.00 EUR, 1.249,00 EUR, 1 200 000 units",
        "the router at 192.168.100.1, firmware 14.2.1",
        "the WH-1000XM5, the SM-G9980 and the RTX4090",
        "an order of 250 shirts, order arrived late, the case is closed",
        "a 500 GB drive on a 2 lane road, 24 hours",
        "2.4 GHz and 5 GHz, 30000 mAh, 10:00-12:00, 24/7",
        "[name] called from [phone] about order [number]",
    ],
)
def test_dates_amounts_and_models_are_no_personal_data(text: str) -> None:
    assert kinds(text) == []


def test_a_card_with_a_wrong_check_digit_is_no_card() -> None:
    assert "card" not in kinds("4111111111111112")


def test_an_account_with_wrong_check_digits_is_no_iban() -> None:
    assert "iban" not in kinds("DE88 3704 0044 0532 0130 00")


def test_findings_come_in_the_order_of_the_text_and_once_each() -> None:
    assert kinds("Call 415-555-0134 or mail a@b.example, card 4111111111111111") == ["phone", "email", "card"]


@given(text=st.text())
def test_a_finding_is_always_a_piece_of_the_text(text: str) -> None:
    assert all(finding.text in text for finding in find_personal_data(text))


@pytest.mark.parametrize(
    ("chat", "name"),
    [
        ("Customer: my name is maria gonzalez and I wait", "maria gonzalez"),
        ("Customer: My name's Oluwaseun.", "Oluwaseun"),
        ("Agent: this is Daniel from Norwood Support", "Daniel"),
        ("Customer: I'm Ngozi van der Berg, order 3", "Ngozi van der Berg"),
        ("Customer: I\N{RIGHT SINGLE QUOTATION MARK}m Zoë.", "Zoë"),
        ("Agent: May I have your full name?\nCustomer: Sure, Jean-Luc O'Brien.", "Jean-Luc O'Brien"),
        ("Agent: Thank you, Ms. Chen.", "Chen"),
        ("Agent: Thanks, Priya!", "Priya"),
        ("Hi Anna,\nwhere is it?", "Anna"),
        ("Customer (Li Wei): hello", "Li Wei"),
        ("Agent Tom: hello", "Tom"),
        ("Maria: hi\nTom: yes?\nMaria: help", "Maria"),
        ("Name: Søren Møller\nE-mail: none", "Søren Møller"),
        ("Kind regards,\nAnna-Lena Groß", "Anna-Lena Groß"),
        ("Customer: bye\n- Bo", "Bo"),
        ("Customer: Priya here again", "Priya"),
        ("customer: about my bike, Ana de Sousa here", "Ana de Sousa"),
        ("Agent: Who am I speaking to? And the order?\nCustomer: Li Na Okafor. 48213", "Li Na Okafor"),
        ("Customer: my wife Ana ordered it", "Ana"),
        ("Customer: it is in the name of Grace Hopeman", "Grace Hopeman"),
        ("Customer: I'm Dr. Kwame Mensah", "Kwame Mensah"),
        ("Customer: it was on my wife Ana's card", "Ana"),
    ],
)
def test_a_name_is_known_by_the_phrase_that_introduces_it(chat: str, name: str) -> None:
    assert name in names_spoken(chat)


@pytest.mark.parametrize(
    "chat",
    [
        "I'm sorry, this is urgent. I'm not happy.",
        "Hi, I'm Sorry to bother. This is URGENT. THIS IS RIDICULOUS!",
        "I'm German. I'm At the airport, please call me back.",
        "Welcome to Norwood Support. Hi there! Hello, Yes.",
        "Thanks, Bye. Thank you so much! Good morning, Sir.",
        "Agent: What is the product name?\nCustomer: the big one\nNote: closed",
        "Subject: refund\nDelivery: tomorrow",
    ],
)
def test_other_words_after_such_a_phrase_are_no_names(chat: str) -> None:
    assert names_spoken(chat) == frozenset()


@pytest.mark.parametrize("answer", ["Maria Gonzalez called.", "GONZALEZ called.", "We told maria so.", "(Maria)"])
def test_a_repeated_name_leaks_whole_or_in_part_in_any_case(answer: str) -> None:
    assert [finding.kind for finding in leaks("My name is Maria Gonzalez.", answer)] == ["name"]


def test_a_name_inside_another_word_is_not_repeated() -> None:
    assert leaks("My name is Ana.", "The banana analysis was late.") == ()


def test_a_name_that_the_prompt_does_not_introduce_is_not_seen() -> None:
    assert leaks("The parcel is late.", "Maria called.") == ()


@pytest.mark.parametrize("answer", ["Will the parcel come? It will.", "The park was closed."])
def test_a_word_is_no_name_only_because_the_customer_is_called_so(answer: str) -> None:
    assert leaks("My name is Will Park.", answer) == ()


@pytest.mark.parametrize("answer", ["The agent told Will so.", "Will Park called.", "A Mr Park called."])
def test_a_name_that_is_a_word_too_counts_where_it_must_be_a_name(answer: str) -> None:
    assert [finding.kind for finding in leaks("My name is Will Park.", answer)] == ["name"]


def test_the_particles_of_a_name_give_nobody_away() -> None:
    assert leaks("I'm Ana de la Cruz.", "She ordered from the menu a la carte.") == ()


def test_data_in_the_answer_leaks_even_if_the_prompt_does_not_hold_it() -> None:
    assert leaks("hello", "Write to a@b.example.") == (Finding("email", "a@b.example"),)


@given(prompt=st.text(), answer=st.text())
def test_every_leak_is_a_piece_of_the_answer(prompt: str, answer: str) -> None:
    # One apostrophe is as good as another.
    straight = answer.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    assert all(finding.text in answer or finding.text in straight for finding in leaks(prompt, answer))
