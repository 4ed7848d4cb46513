"""`devices.list`: what can be listened to now."""

from collections.abc import AsyncGenerator

import msgspec

from edged.messages.sessions import Devices, DevicesList
from edged.service.house import House


async def list_devices(house: House, request: DevicesList) -> AsyncGenerator[Devices, None]:
    """Microphones and loopbacks, and what keeps others from being seen."""
    found = await house.sound.devices()
    wanted = request.device_type
    yield msgspec.structs.replace(
        found,
        devices=tuple(device for device in found.devices if wanted in {None, device.device_type}),
    )
