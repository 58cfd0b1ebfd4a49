"""The built-in texts of the two key templates: used where a tenant has none, and always by the shared sender.

Rules: our own words, GSM-7 throughout, so that a text without odd names stays cheap; every value that may be absent
stands in a section, so that nothing is left hanging (seed-systems.md 3.1).
"""

from __future__ import annotations

KEY_IS_READY = (
    "Hello{{#firstName}} {{firstName}}{{/firstName}}{{^firstName}}{{#lastName}} {{lastName}}{{/lastName}}{{/firstName}}"
    ", your key at {{propertyName}} is ready."
    "{{#spaceName}} You stay in {{spaceName}}.{{/spaceName}}"
    "{{#startDate}} It opens from {{startDate}}{{#endDate}} to {{endDate}}{{/endDate}}.{{/startDate}}"
    "{{#doorCode}} Door code: {{doorCode}}.{{/doorCode}}"
    "{{#referenceNumber}} Booking: {{referenceNumber}}.{{/referenceNumber}}"
    "{{#magicLink}} Key on your phone: {{magicLink | appLink}}{{/magicLink}}"
)

DOORCODE_IS_CHANGED = (
    "Hello{{#firstName}} {{firstName}}{{/firstName}}, the door code of {{spaceName | propertyName}} has changed."
    "{{#doorCode}} Your new code: {{doorCode}}. The old one no longer works.{{/doorCode}}"
    "{{^doorCode}} The old code no longer works{{#magicLink}}; your phone still opens{{/magicLink}}.{{/doorCode}}"
    "{{#magicLink}} Key on your phone: {{magicLink}}{{/magicLink}}"
)
