"""Amazon's official Python client against the mock server: Converse, and Anthropic's messages by InvokeModel."""

import json
import unittest

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from mock import MOCK, script

MODEL = "anthropic.claude-sonnet-4-20250514-v1:0"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
}
TOOLS = [
    {"toolSpec": {"name": "weather", "description": "The weather.", "inputSchema": {"json": SCHEMA}}},
    {"cachePoint": {"type": "default"}},
]
ASK = [{"role": "user", "content": [{"text": "Why is the sky blue?"}]}]
CLIENT = boto3.client(
    "bedrock-runtime",
    endpoint_url=MOCK,
    region_name="us-east-1",
    aws_access_key_id="AKIDEXAMPLE",
    aws_secret_access_key="test",
    config=Config(retries={"total_max_attempts": 1}),
)


def converse(messages=ASK, **options):
    return CLIENT.converse(modelId=MODEL, messages=messages, **options)


def events(**options):
    stream = CLIENT.converse_stream(modelId=MODEL, messages=ASK, **options)["stream"]
    return [next(iter(event.items())) for event in stream]


class Converse(unittest.TestCase):
    def setUp(self):
        script(None)

    def test_an_answer(self):
        answer = converse(system=[{"text": "Be brief."}, {"cachePoint": {"type": "default"}}])
        self.assertEqual((answer["stopReason"], answer["output"]["message"]["role"]), ("end_turn", "assistant"))
        usage = answer["usage"]
        self.assertEqual(usage["totalTokens"], usage["inputTokens"] + usage["outputTokens"])

    def test_a_model_may_be_an_address(self):
        arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-v1:0"
        self.assertEqual(CLIENT.converse(modelId=arn, messages=ASK)["stopReason"], "end_turn")

    def test_a_stream_says_what_the_answer_says(self):
        whole = converse()
        seen = events()
        self.assertEqual((seen[0][0], seen[-2][0], seen[-1][0]), ("messageStart", "messageStop", "metadata"))
        text = "".join(event["delta"]["text"] for name, event in seen if name == "contentBlockDelta")
        self.assertEqual(text, whole["output"]["message"]["content"][0]["text"])
        self.assertEqual(seen[-1][1]["usage"], whole["usage"])

    def test_a_tool_is_called_and_its_result_taken(self):
        asked = converse(toolConfig={"tools": TOOLS, "toolChoice": {"any": {}}})
        self.assertEqual(asked["stopReason"], "tool_use")
        message = asked["output"]["message"]
        call = message["content"][-1]["toolUse"]
        self.assertEqual((call["name"], sorted(call["input"])), ("weather", ["city", "days"]))
        result = {"toolUseId": call["toolUseId"], "content": [{"json": {"sky": "rain"}}], "status": "success"}
        back = [*ASK, message, {"role": "user", "content": [{"toolResult": result}]}]
        self.assertEqual(converse(back, toolConfig={"tools": TOOLS})["stopReason"], "end_turn")

    def test_several_calls_and_thoughts_stream_in_their_order(self):
        calls = [{"name": "weather", "input": {"city": "Rome"}}, {"name": "weather", "input": {}}]
        script({"answer": {"reasoning": "I must look.", "text": "One moment.", "tool_calls": calls}})
        blocks = {}
        for name, event in events(toolConfig={"tools": TOOLS}):
            if name == "contentBlockDelta":
                delta = event["delta"]
                words = delta.get("text") or delta.get("reasoningContent", {}).get("text")
                words = words or delta.get("toolUse", {}).get("input", "")
                blocks[event["contentBlockIndex"]] = blocks.get(event["contentBlockIndex"], "") + words
        self.assertEqual(list(blocks.values())[:2], ["I must look.", "One moment."])
        self.assertEqual([json.loads(text) for text in list(blocks.values())[2:]], [{"city": "Rome"}, {}])
        content = converse(toolConfig={"tools": TOOLS})["output"]["message"]["content"]
        self.assertEqual(content[0]["reasoningContent"]["reasoningText"]["text"], "I must look.")
        self.assertEqual([block["toolUse"]["input"] for block in content[2:]], [{"city": "Rome"}, {}])

    def test_structured_output_parses(self):
        definition = {"name": "weather", "schema": json.dumps(SCHEMA)}
        form = {"type": "json_schema", "structure": {"jsonSchema": definition}}
        answer = converse(outputConfig={"textFormat": form})
        said = json.loads(answer["output"]["message"]["content"][0]["text"])
        self.assertEqual(sorted(said), ["city", "days"])

    def test_every_setting_is_taken(self):
        answer = converse(
            inferenceConfig={"maxTokens": 1, "temperature": 0.5, "topP": 0.5, "stopSequences": ["never"]},
            additionalModelRequestFields={"top_k": 4, "thinking": {"type": "enabled", "budget_tokens": 1024}},
            additionalModelResponseFieldPaths=["/stop_sequence"],
            guardrailConfig={"guardrailIdentifier": "abc123", "guardrailVersion": "1"},
            requestMetadata={"team": "sky"},
            performanceConfig={"latency": "standard"},
            serviceTier={"type": "default"},
        )
        self.assertEqual(answer["stopReason"], "max_tokens")

    def test_every_kind_of_content_is_taken(self):
        text = {"text": "What is this?"}
        user = [
            {"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}},
            {"document": {"format": "pdf", "name": "a", "source": {"bytes": b"%PDF"}}},
            {"document": {"format": "txt", "name": "b", "source": {"text": "plain"}}},
            {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://bucket/a.mp4"}}}},
            {"guardContent": {"text": {"text": "guarded", "qualifiers": ["query"]}}},
            {"searchResult": {"source": "s", "title": "t", "content": [text], "citations": {"enabled": True}}},
            text,
        ]
        location = {"documentChar": {"documentIndex": 0, "start": 0, "end": 1}}
        assistant = [
            {"reasoningContent": {"reasoningText": {"text": "thought", "signature": "c2ln"}}},
            {"reasoningContent": {"redactedContent": b"secret"}},
            {"citationsContent": {"content": [text], "citations": [{"title": "a", "location": location}]}},
        ]
        turns = [
            {"role": "user", "content": user},
            {"role": "assistant", "content": assistant},
            {"role": "system", "content": [{"text": "Be brief."}]},
            {"role": "user", "content": [text]},
        ]
        self.assertEqual(converse(turns)["stopReason"], "end_turn")

    def test_errors_have_their_status_and_name(self):
        for status, name in (
            (400, "ValidationException"),
            (403, "AccessDeniedException"),
            (404, "ResourceNotFoundException"),
            (429, "ThrottlingException"),
            (503, "ServiceUnavailableException"),
        ):
            script({"error": {"status": status, "message": "told to fail"}})
            for call in (converse, events):
                with self.assertRaises(ClientError) as caught:
                    call()
                said = caught.exception.response
                self.assertEqual(said["ResponseMetadata"]["HTTPStatusCode"], status)
                self.assertEqual(said["Error"]["Code"], name)
                self.assertIn("told to fail", said["Error"]["Message"])

    def test_an_error_inside_a_stream_is_raised(self):
        script({"answer": {"text": "one two three"}, "fault": {"type": "error", "after": 2, "status": 429}})
        with self.assertRaises(EventStreamError) as caught:
            events()
        self.assertEqual(caught.exception.response["Error"]["Code"], "throttlingException")


class Invoke(unittest.TestCase):
    BODY = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 500,
        "messages": [{"role": "user", "content": "Why is the sky blue?"}],
    }

    def setUp(self):
        script(None)

    def whole(self, **fields):
        answer = CLIENT.invoke_model(modelId=MODEL, body=json.dumps({**self.BODY, **fields}))
        return json.loads(answer["body"].read())

    def events(self):
        body = CLIENT.invoke_model_with_response_stream(modelId=MODEL, body=json.dumps(self.BODY))["body"]
        return [json.loads(event["chunk"]["bytes"]) for event in body]

    def test_a_stream_says_what_the_answer_says(self):
        whole = self.whole()
        self.assertEqual((whole["type"], whole["stop_reason"]), ("message", "end_turn"))
        seen = self.events()
        self.assertEqual((seen[0]["type"], seen[-1]["type"]), ("message_start", "message_stop"))
        text = "".join(event["delta"]["text"] for event in seen if event["type"] == "content_block_delta")
        self.assertEqual(text, whole["content"][0]["text"])

    def test_a_tool_is_called(self):
        tool = {"name": "weather", "input_schema": SCHEMA}
        answer = self.whole(tools=[tool], tool_choice={"type": "any"}, anthropic_beta=["some-beta"])
        self.assertEqual(answer["stop_reason"], "tool_use")
        self.assertEqual(sorted(answer["content"][-1]["input"]), ["city", "days"])

    def test_an_error_is_raised_before_and_inside_a_stream(self):
        script({"error": {"status": 429, "message": "told to fail"}})
        with self.assertRaises(ClientError) as caught:
            self.events()
        self.assertEqual(caught.exception.response["Error"]["Code"], "ThrottlingException")
        script({"answer": {"text": "one two three"}, "fault": {"type": "error", "after": 2, "status": 503}})
        with self.assertRaises(EventStreamError) as caught:
            self.events()
        self.assertEqual(caught.exception.response["Error"]["Code"], "serviceUnavailableException")
