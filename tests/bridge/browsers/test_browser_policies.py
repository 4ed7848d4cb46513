"""What administrators forbid, on each system."""

import plistlib
from pathlib import Path

import pytest
from machines import kind, machine

from edged.bridge.browsers.policies import Policies, policies

HOST = "org.edged.host"


@pytest.mark.parametrize(
    ("text", "blocks", "user_level"),
    [
        ("{}", False, True),
        ('{"NativeMessagingBlocklist": ["*"]}', True, True),
        (f'{{"NativeMessagingBlocklist": ["{HOST}"]}}', True, True),
        ('{"NativeMessagingBlocklist": ["org.other"]}', False, True),
        (
            f'{{"NativeMessagingBlocklist": ["*"], "NativeMessagingAllowlist": ["{HOST}"]}}',
            False,
            True,
        ),
        ('{"NativeMessagingAllowlist": ["org.other"]}', False, True),
        ('{"NativeMessagingUserLevelHosts": false}', False, False),
        ('{"NativeMessagingUserLevelHosts": true}', False, True),
        ('{"NativeMessagingBlocklist": "*"}', False, True),
        ("[]", False, True),
        ("not json", False, True),
    ],
)
def test_a_policy_file_of_linux_is_read_as_chromium_reads_it(
    tmp_path: Path, text: str, *, blocks: bool, user_level: bool
) -> None:
    made = machine(tmp_path)
    made.writes("/etc/chromium/policies/managed/x.json", text)

    found = policies(made.system, kind("Chromium"))

    assert (found.blocks, found.user_level) == (blocks, user_level)


def test_several_files_count_together(tmp_path: Path) -> None:
    made = machine(tmp_path)
    first = made.writes(
        "/etc/opt/chrome/policies/managed/a.json", '{"NativeMessagingBlocklist": ["*"]}'
    )
    made.writes("/etc/opt/chrome/policies/managed/b.json", '{"HomepageLocation": "x"}')
    made.writes("/etc/opt/chrome/policies/managed/c.txt", '{"NativeMessagingAllowlist": ["x"]}')
    last = made.writes(
        "/etc/opt/chrome/policies/managed/d.json", f'{{"NativeMessagingAllowlist": ["{HOST}"]}}'
    )

    found = policies(made.system, kind("Chrome Beta"))

    assert found == Policies(sources=(str(first), str(last)))


@pytest.mark.parametrize(
    ("title", "folder"),
    [
        ("Edge", "/etc/opt/edge"),
        ("Brave", "/etc/brave"),
        ("Chrome for Testing", "/etc/opt/chrome_for_testing"),
    ],
)
def test_each_browser_has_its_own_folder_of_policies(
    tmp_path: Path, title: str, folder: str
) -> None:
    made = machine(tmp_path)
    made.writes(f"{folder}/policies/managed/x.json", '{"NativeMessagingBlocklist": ["*"]}')

    assert policies(made.system, kind(title)).blocks
    assert not policies(made.system, kind("Chromium")).blocks


def test_firefox_knows_no_such_policy(tmp_path: Path) -> None:
    assert policies(machine(tmp_path).system, kind("Firefox")) == Policies()


def test_a_property_list_of_macos_is_read(tmp_path: Path) -> None:
    made = machine(tmp_path, "darwin")
    path = made.writes("/Library/Managed Preferences/com.google.Chrome.plist")
    path.write_bytes(plistlib.dumps({"NativeMessagingUserLevelHosts": False}))

    found = policies(made.system, kind("Chrome"))

    assert found == Policies(user_level=False, sources=(str(path),))


def test_a_property_list_that_is_none_says_nothing(tmp_path: Path) -> None:
    made = machine(tmp_path, "darwin")
    made.writes("/Library/Managed Preferences/com.google.Chrome.plist", "garbage")

    assert policies(made.system, kind("Chrome")) == Policies()


def test_lists_in_the_registry_are_keys_of_their_own(tmp_path: Path) -> None:
    made = machine(tmp_path, "win32")
    place = r"HKLM\Software\Policies\Google\Chrome"
    made.registry.values[rf"{place}\NativeMessagingBlocklist", "1"] = "*"
    made.registry.values[place, "NativeMessagingUserLevelHosts"] = 0

    found = policies(made.system, kind("Chrome"))

    assert found == Policies(blocks=True, user_level=False, sources=(place,))
