"""Invented people with the personal data they would give in a chat.

Telephone numbers, mail domains and cards come from ranges that are kept free for examples wherever there is one.
"""

import unicodedata
from dataclasses import dataclass
from random import Random
from string import ascii_lowercase
from typing import NamedTuple


class Names(NamedTuple):
    """Names of one part of the world."""

    women: str
    men: str
    families: str


# An underscore is a space within a name. No name here is also an English word: a summary with "will" in it must not
# look like a leak.
NAMES = (
    Names("Ngozi Adaeze Chiamaka Folake", "Chukwuemeka Olumide Tunde Babatunde", "Okafor Adeyemi Nwosu Balogun Eze"),
    Names("Akosua Abena Esi Efua", "Kwame Kofi Kwabena Yaw", "Mensah Owusu Boateng Asante Agyeman"),
    Names("Wanjiru Achieng Njeri Makena", "Kamau Otieno Mwangi Kiprono", "Njoroge Odhiambo Kariuki Cheruiyot Wekesa"),
    Names("Thandiwe Nomsa Lerato Zanele", "Sipho Thabo Mandla Kagiso", "Dlamini Nkosi Mokoena Khumalo Ndlovu"),
    Names("Fatima Yasmin Layla Samira", "Omar Khalid Youssef Tariq", "Haddad Mansour Nasser Darwish Saleh"),
    Names("Elif Zeynep Ayşe Merve", "Emre Mehmet Burak Kerem", "Aydemir Demir Kaya Öztürk Çelik"),
    Names("Parisa Shirin Nasrin Leila", "Reza Farhad Behrouz Kaveh", "Hosseini Karimi Rahimi Ahmadi Tehrani"),
    Names("Priya Ananya Kavita Deepika", "Arjun Rahul Vikram Sanjay", "Sharma Patel Iyer Reddy Chatterjee"),
    Names("Ayesha Sadia Zainab Hina", "Bilal Imran Usman Faisal", "Qureshi Siddiqui Chaudhry Malik Rehman"),
    Names("Mei-Ling Xiaoyan Yuting Jingyi", "Haoran Jianguo Zhiwei Minghao", "Zhang Huang Zhou Xu Liang"),
    Names("Yuki Sakura Haruka Naomi", "Kenji Hiroshi Takumi Daisuke", "Tanaka Watanabe Yamamoto Nakamura Kobayashi"),
    Names("Soo-jin Ji-woo Eun-ji Hye-rin", "Min-jun Sung-ho Dong-hyun Jae-won", "Choi Jeong Kang Hwang Seo"),
    Names("Thuy Linh Huong Ngoc", "Quang Tuan Khanh Duc", "Nguyen Pham Hoang Vo Dang"),
    Names("Siti Dewi Putri Ratna", "Budi Agus Wayan Hendra", "Wijaya Santoso Pratama Kusuma Hartono"),
    Names(
        "Maria Lucía Carmen Guadalupe", "Javier Diego Alejandro Mateo", "García Hernández Gutiérrez Morales Castillo"
    ),
    Names("Beatriz Larissa Camila Fernanda", "Thiago Rafael Bruno Gustavo", "Silva Oliveira Ferreira Carvalho Azevedo"),
    Names(
        "Giulia Francesca Chiara Alessia", "Matteo Lorenzo Alessandro Davide", "Rossi Bianchi Esposito Moretti Gallo"
    ),
    Names("Camille Élodie Margaux Céline", "Julien Thibault Mathieu Étienne", "Dubois Lefèvre Moreau Girard Bonnet"),
    Names(
        "Anneliese Katrin Friederike Heike", "Jürgen Matthias Torsten Lukas", "Schneider Hoffmann Krüger Weber Lindner"
    ),
    Names("Sanne Femke Marieke Anouk", "Jeroen Pieter Bram Ruben", "de_Vries van_Dijk Bakker Jansen Visser"),
    Names("Astrid Ingrid Solveig Freja", "Lars Bjørn Henrik Magnus", "Johansson Lindqvist Nielsen Hansen Bergström"),
    Names(
        "Agnieszka Katarzyna Zofia Magda", "Wojciech Krzysztof Tomasz Piotr", "Kowalski Nowak Zieliński Wójcik Mazur"
    ),
    Names(
        "Oksana Tetiana Svitlana Olena", "Dmytro Andriy Taras Mykola", "Shevchenko Kovalenko Bondarenko Melnyk Tkachuk"
    ),
    Names("Siobhán Aoife Niamh Orla", "Declan Cormac Eoin Ruairí", "O'Brien Murphy Gallagher Byrne O'Connor"),
    Names(
        "Hannah Charlotte Rebecca Eleanor",
        "Oliver Simon Graham Nigel",
        "Thompson Whitfield Ashworth Hargreaves Pemberton",
    ),
    Names("Ashley Brianna Madison Kayla", "Tyler Brandon Derek Jamal", "Johnson Washington Henderson Robinson Ramirez"),
    Names("Aroha Marama Hinemoa Anahera", "Tama Wiremu Rangi Hemi", "Ngata Parata Tamihana Walker-Rewi Henare"),
    Names("Miriam Shira Noa Tamar", "Avi Yonatan Eitan Moshe", "Cohen Levi Mizrahi Friedman Shapiro"),
)
_STREETS = """
    {n} Alder Lane|{n} Mill Road|{n}B Harbour Street|{n} Station Road|{n} Cedar Avenue|{n} Quarry Hill Road
    {n} Orchard Way|{n} Lindqvist Avenue|{n} West 8th Street|{n} Juniper Drive|{n} Chapel Street|{n} Old Bridge Road
    {n} Larkspur Crescent|Lindenstraße {n}|Gartenweg {n}|Hauptstraße {n}|{n} rue des Tilleuls|{n} rue du Moulin
    Calle del Olmo {n}|Via dei Mulini {n}|Rua das Laranjeiras {n}|Molenstraat {n}|Storgatan {n}|Avenida Central {n}
"""
_TOWNS = """
    Ashcombe|Millbrook|Port Arden|Kestrel Bay|Nordhafen|Oakhurst|Saint-Aubrac|Villanova|Westerveld|Lakeview|Dunmore
    Eastbridge|Fairhaven|Rosdorf|Monteverde|Stillwater
"""
# Each # is a digit. 555-01##, 07700 900### and 020 7946 0### are kept for fiction by the regulators.
_PHONES = """
    (415) 555-01##|212-555-01##|+1 646 555 01##|303.555.01##|07700 900###|+44 7700 900###|020 7946 0###
    +49 30 23125 ###|0176 0403####|+33 1 99 00 ## ##|06 39 98 ## ##|+34 600 ### ###|+39 333 ### ####
    +91 98200 #####|+234 803 ### ####|+61 491 570 ###|+81 90 #### ####|+55 11 9#### ####|+353 20 91# ####
    +46 70 174 06 ##|+27 82 ### ####|+90 532 ### ## ##
"""
_DOMAINS = "example.com|example.org|example.net|mail.example|inbox.example|post.example|letters.example"
# The beginnings of payment cards that processors give out for tests.
_CARDS = ("411111", "400000", "555555", "510510")
_NUMBERS = {
    "order": "ORD-######|#######|HW-####-###|#-######|WX#####",
    "account": "##########|AC-#######|########|CUST-######",
    "booking": "KT#M#Q|XR##PD|#####-####|BK-#######|QJ#Z#T",
    "policy": "POL-#######|PN ########|######-##",
    "membership": "M-######|########|CLUB-#####",
    "ticket": "T-######|TCK#######|########",
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody and everything about them that must stay out of a summary."""

    first: str
    family: str
    title: str
    phone: str
    email: str
    address: str
    card: str

    @property
    def full(self) -> str:
        """The name as people write it."""
        return f"{self.first} {self.family}"


def make_person(rng: Random) -> Person:
    """Invent a person."""
    names = rng.choice(NAMES)
    woman = rng.choice((True, False))
    first = rng.choice((names.women if woman else names.men).split())
    family = rng.choice(names.families.split()).replace("_", " ")
    return Person(
        first=first,
        family=family,
        title="Ms" if woman else "Mr",
        phone=_digits(rng.choice(_one_of(_PHONES)), rng),
        email=_email(first, family, rng),
        address=f"{rng.choice(_one_of(_STREETS)).format(n=rng.randint(2, 240))}, {rng.choice(_one_of(_TOWNS))}",
        card=_card(rng),
    )


def make_number(kind: str, rng: Random) -> str:
    """Invent the number of an order, account, booking, policy, membership or ticket."""
    return _digits(rng.choice(_one_of(_NUMBERS[kind])), rng)


def _one_of(choices: str) -> list[str]:
    return "|".join(line.strip() for line in choices.strip().splitlines()).split("|")


def _digits(shape: str, rng: Random) -> str:
    return "".join(str(rng.randint(1, 9)) if sign == "#" else sign for sign in shape)


def _email(first: str, family: str, rng: Random) -> str:
    first, family = (_plain(part) for part in (first, family))
    shapes = (f"{first}.{family}", f"{first[0]}.{family}", f"{first}{family}{rng.randint(2, 99)}", f"{family}.{first}")
    return f"{rng.choice(shapes)}@{rng.choice(_one_of(_DOMAINS))}"


def _plain(name: str) -> str:
    """Give a name in the letters that mail addresses are made of."""
    letters = unicodedata.normalize("NFKD", name.lower().replace("ø", "o").replace("ł", "l"))
    return "".join(letter for letter in letters if letter in ascii_lowercase)


def _card(rng: Random) -> str:
    digits = [int(sign) for sign in rng.choice(_CARDS)] + [rng.randint(0, 9) for _ in range(9)]
    # The last digit makes the sum a multiple of ten, as on a real card.
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[::-2]]
    check = -(sum(doubled) + sum(digits[-2::-2])) % 10
    text = "".join(map(str, [*digits, check]))
    return rng.choice((text, " ".join(text[start : start + 4] for start in range(0, len(text), 4))))
