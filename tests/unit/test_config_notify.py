"""The notify tables: whom to tell, and every mistake with its line."""

import base64
from pathlib import Path

import pytest

from service.bootstrap import Deps
from service.config import Settings, describe, load
from service.domain.errors import ConfigurationError
from service.domain.notices import KINDS, Notice

SMALLEST = '[pipelines.support]\nlabels.project = "cl1"\ntrain.model = "m"\n'
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 24).decode()
HOOK = '[notify.ops]\nwebhook = "https://hooks.example.com/T0/hidden-path?x=hidden"\nsecret_env = "OPS_SECRET"\n'
TEAM = '[notify.team]\napprise_env = "TEAM_URL"\n'


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path / "tuneloop.toml"

    def load(self, text: str, **environ: str) -> Settings:
        self.file.write_text(SMALLEST + text, encoding="utf-8")
        return load({"TUNELOOP_CONFIG": str(self.file), "TUNELOOP_DATA": str(self.path), **environ})

    def mistakes(self, text: str, **environ: str) -> list[str]:
        with pytest.raises(ConfigurationError) as raised:
            self.load(text, **environ)
        return str(raised.value).replace(f"{self.file}:", "").split("\n")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_without_a_table_nobody_is_told(folder: Folder) -> None:
    assert folder.load("").notify == {}


def test_a_webhook_has_its_address_and_every_secret_of_its_variable(folder: Folder) -> None:
    text = HOOK + 'kinds = ["failed", "budget_near"]\npipelines = ["support"]\n'
    ops = folder.load(text, OPS_SECRET=f"{SECRET}, {OTHER}").notify["ops"]
    assert [secret.get_secret_value() for secret in ops.secrets] == [SECRET, OTHER]
    assert (ops.kinds, ops.pipelines) == (("failed", "budget_near"), ("support",))
    assert folder.load(HOOK).notify["ops"].secrets == ()


@pytest.mark.parametrize("between", [" ", "\n", "\n\n  ", "\t"])
def test_a_variable_may_hold_several_apprise_addresses_and_commas_stay_in_them(folder: Folder, between: str) -> None:
    addresses = ["mailto://u:p@example.com?to=a@example.com,b@example.com", "slack://a/b/c"]
    team = folder.load(TEAM, TEAM_URL=between.join(addresses) + "\n").notify["team"]
    assert [address.get_secret_value() for address in team.addresses] == addresses


def test_secrets_and_addresses_may_stand_in_files(folder: Folder) -> None:
    (folder.path / "team").write_text("slack://a/b/c\njson://127.0.0.1/\n")
    (folder.path / "ops").write_text(SECRET + "\n")
    files = {"TEAM_URL_FILE": str(folder.path / "team"), "OPS_SECRET_FILE": str(folder.path / "ops")}
    notify = folder.load(TEAM + HOOK, **files).notify
    assert (len(notify["team"].addresses), len(notify["ops"].secrets)) == (2, 1)


def test_several_addresses_are_several_targets_and_a_channel_that_cannot_be_used_is_still_one(folder: Folder) -> None:
    settings = folder.load(
        TEAM + HOOK + '[notify.unset]\napprise_env = "NOT_SET"\n', TEAM_URL="json://a json://b json://c"
    )
    targets = Deps(settings).targets
    assert list(targets) == ["team", "team/2", "team/3", "ops", "unset"]
    assert targets["team"].fingerprint == targets["team/3"].fingerprint != targets["ops"].fingerprint


def test_targets_hear_what_their_table_says(folder: Folder) -> None:
    settings = folder.load(TEAM + 'kinds = ["failed"]\n', TEAM_URL="json://a json://b")
    failed, kept = (Notice(kind, "k", "t", "x") for kind in ("failed", "kept"))
    for target in Deps(settings).targets.values():
        assert target.interest.covers(failed)
        assert not target.interest.covers(kept)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_chosen(folder: Folder, kind: str) -> None:
    assert folder.load(f'{TEAM}kinds = ["{kind}"]\n').notify["team"].kinds == (kind,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[notify.a]\n", "notify.a.webhook: is one way to tell people and apprise_env the other: give exactly one"),
        (HOOK + 'apprise_env = "A"\n', "notify.ops.webhook: is one way to tell people and apprise_env the other"),
        ('[notify.a]\nwebhook = "https://a.example.com"\n', "notify.a.secret_env: is needed"),
        (TEAM + 'secret_env = "A"\n', "notify.team.secret_env: belongs to a webhook"),
        (TEAM + 'kinds = ["faild"]\n', "must be one of 'started', "),
        (TEAM + 'kinds = ["faild"]\n', "(got 'faild'); did you mean 'failed'?"),
        (TEAM + 'pipelines = ["suport"]\n', "must be one of 'support' (got 'suport'); did you mean 'support'?"),
        ('[notify.a]\napprise_env = "slack://hidden"\n', "must be the name of an environment variable"),
        (TEAM + 'to = "x"\n', "notify.team.to: unknown key; allowed are: apprise_env, webhook, secret_env"),
        ('[notify."a b"]\napprise_env = "A"\n', "a name must be at most 63 letters"),
    ],
)
def test_a_mistake_in_a_table_is_named(folder: Folder, text: str, words: str) -> None:
    (found,) = folder.mistakes(text)
    assert words in found
    assert "hidden" not in found


@pytest.mark.parametrize(
    "address", ["http://hooks.example.com/", "http://8.8.8.8/", "http://[2606:4700::1]/", "http://10.evil.com/"]
)
def test_plain_http_never_leaves_the_private_network(folder: Folder, address: str) -> None:
    (found,) = folder.mistakes(f'[notify.a]\nwebhook = "{address}"\nsecret_env = "S"\n')
    assert "must be https: plain http is for this machine and private networks alone" in found


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8080", "localhost", "[::1]", "10.0.0.5", "192.168.1.9", "receiver:9000", "a.internal", "b.local"],
)
def test_plain_http_may_go_to_this_machine_and_private_networks(folder: Folder, host: str) -> None:
    settings = folder.load(f'[notify.a]\nwebhook = "http://{host}/"\nsecret_env = "S"\n', S=SECRET)
    assert "without https" in Deps(settings).targets["a"].connect().describe()


@pytest.mark.parametrize(
    "address",
    ["hooks.example.com", "ftp://a.example.com", "https://", "https://u:hidden@a.com", "https://a.com/#hidden"],
)
def test_what_is_no_address_is_refused_without_being_shown(folder: Folder, address: str) -> None:
    (found,) = folder.mistakes(f'[notify.a]\nwebhook = "{address}"\nsecret_env = "S"\n')
    assert "notify.a.webhook: must " in found
    assert "hidden" not in found


@pytest.mark.parametrize("secret", ["hidden", "whsec_hidden!", "whsec_", f"{SECRET},whsec_!!"])
def test_a_secret_that_anybody_could_sign_with_is_refused(folder: Folder, secret: str) -> None:
    (found,) = folder.mistakes(HOOK, OPS_SECRET=secret)
    assert found.endswith("OPS_SECRET must hold 'whsec_' followed by the base64 of 24 to 64 bytes")


def test_a_variable_and_its_file_cannot_both_be_set(folder: Folder) -> None:
    (found,) = folder.mistakes(TEAM, TEAM_URL="json://a", TEAM_URL_FILE="/dev/null")
    assert "set either TEAM_URL or TEAM_URL_FILE" in found


def test_nothing_secret_is_shown(folder: Folder) -> None:
    settings = folder.load(TEAM + HOOK, TEAM_URL="slack://hidden/a/b", OPS_SECRET=SECRET)
    rows = dict(describe(settings))
    assert rows["notify.ops.webhook"] == "https://hooks.example.com/..."
    assert (rows["notify.ops.secrets"], rows["notify.team.addresses"], rows["notify.team.kinds"]) == (
        "set",
        "set",
        "all",
    )
    assert "hidden" not in repr(rows) + repr(Deps(settings).targets)
    assert "whsec_" not in repr(settings)
