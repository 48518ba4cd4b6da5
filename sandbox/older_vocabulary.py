"""Labels as webhooks carry them: JSON in a string, in the words of the first export format.

Source: the LABEL_UPDATED body that Labelbox published, and its nested classification sample. How answers below an
option, and choices among messages, look there was never published; receivers must not depend on it.
"""

import json

from sandbox.answers import answer_of
from sandbox.records import Json, Label


def older_vocabulary(label: Label) -> str:
    """Write a label's content."""
    if label.skipped:
        # An empty object stands for a skipped row; it is a string in every case.
        return "{}"
    written = {
        "objects": [_object(item) for item in label.objects],
        "classifications": [_classification(item) for item in label.classifications],
    }
    return json.dumps(written, ensure_ascii=False, separators=(",", ":"))


def _classification(item: Json) -> Json:
    entry = _names(item)
    if "message_id" in item:
        entry["messageId"] = item["message_id"]
    kind, answer = answer_of(item)
    if kind == "text":
        entry["answer"] = answer["content"]
    elif kind == "radio":
        entry["answer"] = _option(answer)
    else:
        entry["answers"] = [_option(one) for one in answer]
    return entry


def _option(option: Json) -> Json:
    further = [_classification(item) for item in option["classifications"]]
    return _names(option) | ({"classifications": further} if further else {})


def _object(item: Json) -> Json:
    return {"featureId": item["feature_id"], "schemaId": item["feature_schema_id"], "title": item["name"]}


def _names(item: Json) -> Json:
    return {
        "featureId": item["feature_id"],
        "schemaId": item["feature_schema_id"],
        "title": item["name"],
        "value": item["value"],
    }
