"""`devices.list`: what can be listened to and looked at now."""

from collections.abc import AsyncGenerator

from edged.messages.sessions import Devices, DevicesList, DeviceType
from edged.service.house import House

_HEARD: frozenset[DeviceType] = frozenset({"microphone", "loopback"})


async def list_devices(house: House, request: DevicesList) -> AsyncGenerator[Devices, None]:
    """Microphones, loopbacks, cameras and screens, and what keeps others from being found."""
    wanted = request.device_type
    found = Devices(devices=())
    if wanted is None or wanted in _HEARD:
        found = await house.sound.devices()
    if wanted not in _HEARD:
        devices, problems = await house.sights.devices(wanted)
        found = Devices(devices=(*found.devices, *devices), problems=(*found.problems, *problems))
    yield Devices(
        devices=tuple(one for one in found.devices if wanted in {None, one.device_type}),
        problems=found.problems,
    )
