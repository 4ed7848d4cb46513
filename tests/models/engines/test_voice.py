import struct

from edged.models.engines.voice import we_are


def test_the_made_up_voice_is_loud_enough_between_two_silences() -> None:
    pcm = we_are()

    samples = struct.unpack(f"<{len(pcm) // 2}h", pcm)
    assert len(samples) == 12_480
    assert max(map(abs, samples)) == 6_000
    assert not any(samples[:2_400])
    assert not any(samples[-2_400:])
