"""(h) What the pure parts take: filters and templates, compiled once as the daemon has them, and the engine alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from bench.engine_alone import engine_alone
from bench.setting import Setting
from notifier.domain.default_templates import DOORCODE_IS_CHANGED, KEY_IS_READY
from notifier.domain.filters import compile_filter
from notifier.domain.segments import measure
from notifier.domain.templates import compile_template

ORDER = Path(__file__).parent.parent / "deploy" / "samples" / "events" / "order.shipped.json"
SECONDS = 2.0
ENGINE_TEXTS = 3_000
FILTERS: list[dict[str, object]] = [
    {"isDeleted": {"$ne": True}},
    {"status": "shipped", "lineItems.price": {"$gte": 100}},
    {"$or": [{"assignedToGroup": {"$in": ["lab", "pharmacy"]}}, {"customer.email": {"$exists": False}}]},
]
VALUES = {
    "firstName": "Mara", "lastName": "Lind", "propertyName": "Harbour House", "spaceName": "Room 204",
    "startDate": "04/12/2026 15:00", "endDate": "07/12/2026 10:00", "doorCode": "482915",
    "referenceNumber": "HBR-88121", "magicLink": "https://guest.example.com/k/5510-f3a9",
}  # fmt: skip


def pure(_setting: Setting) -> dict[str, float]:
    """Each a mixture: three filters on a whole order, the two built-in key templates, their segments counted."""
    order = json.loads(ORDER.read_text())["data"]
    filters = [compile_filter(query) for query in FILTERS]
    templates = [compile_template(source) for source in (KEY_IS_READY, DOORCODE_IS_CHANGED)]
    texts = [template.render(VALUES).text for template in templates]
    return {
        "filters_per_second": _rate([partial(one.matches, order) for one in filters]),
        "templates_per_second": _rate([partial(one.render, VALUES) for one in templates]),
        "segment_counts_per_second": _rate([partial(measure, text) for text in texts]),
        "engine_us_per_text": median(engine_alone(ENGINE_TEXTS) for _ in range(5)),
    }


def _rate(calls: list[Callable[[], object]]) -> float:
    """Calls a second, the call through `partial` included."""
    count, begun = 0, time.perf_counter()
    while (passed := time.perf_counter() - begun) < SECONDS:
        for _ in range(200):
            for call in calls:
                call()
        count += 200 * len(calls)
    return count / passed
