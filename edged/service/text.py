"""`text.classify`: the labels of a text."""

from collections.abc import AsyncGenerator

from edged.messages import requests
from edged.messages.replies import AnyReply, Classes
from edged.models.runtime import ClassifyOptions, Text, TextClassifier
from edged.service.chosen import chosen, loading
from edged.service.house import House


async def classify(house: House, request: requests.TextClassify) -> AsyncGenerator[AnyReply, None]:
    """The labels of a text; nothing of it is kept."""
    model = chosen(house, "text_classify", request.model).id
    if told := loading(house, model):
        yield told
    options = ClassifyOptions(top_k=request.top_k, min_score=request.min_score)
    borrowed = house.pool.borrow(
        model, TextClassifier, priority=request.priority, keep_alive_ms=request.keep_alive_ms
    )
    async with borrowed as lease:
        found = await lease.call(lease.model.label, Text(text=request.text), options)
        yield Classes(
            model=model,
            device=lease.device,
            classes=found.classes,
            computed_us=found.computed_us,
        )
