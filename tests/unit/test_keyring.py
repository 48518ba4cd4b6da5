"""The keyring: which secrets count where, and for whom the holder of one rings."""

from hypothesis import given
from hypothesis import strategies as st

from service.web.keyring import EVERY, Keyring

names = st.sampled_from(["a", "b", "c"])
# A small alphabet, so that pipelines share secrets and some have the general one.
secrets = st.lists(st.sampled_from([b"1", b"2", b"3", b"4"]), min_size=1, max_size=3, unique=True)
owners = st.dictionaries(names, secrets)


def rung_by(keyring: Keyring, secret: bytes, address: str) -> set[str]:
    """Give the pipelines that ring when somebody signs with this secret, as the first secret that fits decides."""
    held = list(keyring.secrets(address))
    return set(keyring.rung(address, held.index(secret))) if secret in held else set()


@given(general=secrets, own=owners, address=names)
def test_at_its_own_address_only_a_pipelines_own_secrets_count(
    general: list[bytes], own: dict[str, list[bytes]], address: str
) -> None:
    keyring = Keyring(general, own)
    assert list(keyring.secrets(address)) == own.get(address, general)
    for secret in keyring.secrets(address):
        assert rung_by(keyring, secret, address) == {address}


@given(general=secrets, own=owners, secret=st.sampled_from([b"1", b"2", b"3", b"4", b"5"]))
def test_at_the_common_address_a_secret_rings_for_exactly_those_that_have_it(
    general: list[bytes], own: dict[str, list[bytes]], secret: bytes
) -> None:
    holders = {name for name, held in own.items() if secret in held}
    expected = {EVERY} if secret in general else holders
    assert rung_by(Keyring(general, own), secret, EVERY) == expected


@given(own=owners)
def test_without_a_general_secret_a_pipeline_that_has_none_accepts_nothing(own: dict[str, list[bytes]]) -> None:
    keyring = Keyring([], own)
    assert list(keyring.secrets("a")) == own.get("a", [])
    assert list(keyring.secrets("nobody")) == []
