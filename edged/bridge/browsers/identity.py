"""The names under which browser, extension and host know each other."""

from typing import Final

HOST_NAME: Final = "org.edged.host"
"""The native-messaging host. Chromium allows `[a-z0-9_.]`, Firefox words with dots between."""

CHROMIUM_KEY: Final = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAos1UpOY+Z5fBBUFWPhLmMiZ7P9DL5dPWgAqlUByl5IDr"
    "J9SgqFVjIfcgDpst/0fPx2Ur3ieFOzlGM6nUi77fnpQXb7ZA4CEehLVHMg2/AzAwss5NCR7s4A86+71+NEwlYcJH"
    "9RNmVC1nk/mhQKsShz4cOzm56m51o6gWfdUurz8Jur73EL28pZxIB9M/cchN7PvytzV9Ugdbr4w1sRaZWOxfQAyU"
    "UqX1RXVXOKgq1rLpJaTmUD00dwxyFosWSDFryAaYSI7ynF6bL2XbvA8p5KUcrxT99MmRr2Oq7pUxd3i/aySgFXlJ"
    "VintxlC7RZ2zMqrCs9qkKquIskkmWuluSwIDAQAB"
)
"""The extension's public key, `key` of its manifest, so that its id is the same wherever it is built.

Its private half signs nothing and was not kept: a store gives an id of its own.
"""

CHROMIUM_ID: Final = "eiondinnokoebncooeapkkhgldfbaall"
"""The first 16 bytes of SHA-256 of that key, with a to p for hexadecimal digits."""

FIREFOX_ID: Final = "edged@edged.org"
"""`browser_specific_settings.gecko.id` of the extension's manifest."""
