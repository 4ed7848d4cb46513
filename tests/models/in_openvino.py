"""Loads models in an environment that has OpenVINO, and prints what came of it as JSON.

Run by test_openvino.py with that environment's Python: HOME_FOLDER, then a JSON object of settings;
or `probe DEVICE`, which prints why it does not work, whatever the files say.
"""

import asyncio
import json
import sys
from pathlib import Path

import msgspec

from edged.config import Config, find_paths
from edged.errors import EdgedError
from edged.models import probing
from edged.models.accelerators import runtime_of
from edged.models.pool import Pool


async def main(home: str, settings: dict[str, object]) -> dict[str, object]:
    """What `ps` says of every model that the home has, or why it was not loaded."""
    config = msgspec.convert(settings, Config)
    pool = Pool(config, find_paths({"EDGED_HOME": home}))
    found: dict[str, object] = {}
    try:
        for manifest in sorted(Path(home, "config", "manifests").glob("*.toml")):
            found[manifest.stem] = await load(pool, manifest.stem)
    finally:
        await pool.close()
    return found


async def load(pool: Pool, model: str) -> object:
    """What `ps` says of a model once it is loaded; the error's words if it is not."""
    try:
        await pool.load(model)
    except EdgedError as error:
        return {"error": error.code, "message": error.message, "fix": error.fix}
    loaded = next(one for one in pool.loaded(measure=False) if one.id == model)
    return {"device": loaded.device, "asked": loaded.device_asked, "threads": loaded.threads}


if __name__ == "__main__":
    if sys.argv[1] == "probe":
        answer: object = asyncio.run(probing.probe(runtime_of("onnx"), sys.argv[2]))
    else:
        answer = asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
    print(json.dumps(answer))
