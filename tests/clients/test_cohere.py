"""Cohere's official Python client against the mock server: chat, embed, errors."""

import asyncio
import json
import unittest

import cohere
from cohere.core.api_error import ApiError
from pydantic import BaseModel

from mock import MOCK, script


class Weather(BaseModel):
    city: str
    degrees: int


TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        },
    },
}
ASK = [{"role": "user", "content": "Why is the sky blue?"}]
CLIENT = cohere.ClientV2(api_key="test", base_url=MOCK, log_warning_experimental_features=False)


def chat(messages=ASK, **options):
    return CLIENT.chat(model="m-1", messages=messages, request_options={"max_retries": 0}, **options)


def stream(**options):
    options["request_options"] = {"max_retries": 0}
    return list(CLIENT.chat_stream(model="m-1", messages=ASK, **options))


class Chat(unittest.TestCase):
    def setUp(self):
        script(None)

    def test_an_answer(self):
        answer = chat()
        self.assertEqual((answer.finish_reason, answer.message.role), ("COMPLETE", "assistant"))
        self.assertTrue(answer.message.content[0].text)
        self.assertGreater(answer.usage.tokens.output_tokens, 0)

    def test_a_stream_says_what_the_answer_says(self):
        events = stream()
        self.assertEqual((events[0].type, events[-1].type), ("message-start", "message-end"))
        text = "".join(event.delta.message.content.text for event in events if event.type == "content-delta")
        self.assertEqual(text, chat().message.content[0].text)
        self.assertEqual(events[-1].delta.finish_reason, "COMPLETE")
        self.assertGreater(events[-1].delta.usage.tokens.output_tokens, 0)

    def test_a_tool_is_called_and_its_result_taken(self):
        asked = chat(tools=[TOOL], tool_choice="REQUIRED", strict_tools=True)
        self.assertEqual(asked.finish_reason, "TOOL_CALL")
        [call] = asked.message.tool_calls
        self.assertEqual(sorted(json.loads(call.function.arguments)), ["city", "days"])
        document = {"type": "document", "document": {"id": "1", "data": {"sky": "rain"}}}
        for content in ("rain", [{"type": "text", "text": "rain"}], [document]):
            result = {"role": "tool", "tool_call_id": call.id, "content": content}
            self.assertEqual(chat([*ASK, asked.message, result], tools=[TOOL]).finish_reason, "COMPLETE")

    def test_several_calls_and_thoughts_stream_in_their_order(self):
        calls = [{"name": "weather", "input": {"city": "Rome"}}, {"name": "weather", "input": {}}]
        script({"answer": {"reasoning": "I must look.", "text": "One moment.", "tool_calls": calls}})
        content, arguments = {}, {}
        for event in stream(tools=[TOOL], thinking={"type": "enabled", "token_budget": 9}):
            if event.type == "content-delta":
                piece = event.delta.message.content
                content[event.index] = content.get(event.index, "") + (piece.thinking or piece.text)
            elif event.type == "tool-call-delta":
                piece = event.delta.message.tool_calls.function.arguments
                arguments[event.index] = arguments.get(event.index, "") + piece
        self.assertEqual(content, {0: "I must look.", 1: "One moment."})
        self.assertEqual([json.loads(text) for text in arguments.values()], [{"city": "Rome"}, {}])
        whole = chat(tools=[TOOL]).message
        self.assertEqual((whole.content[0].thinking, whole.content[1].text), tuple(content.values()))
        self.assertEqual([call.function.arguments for call in whole.tool_calls], list(arguments.values()))

    def test_structured_output_parses(self):
        for name in ("schema", "json_schema"):
            form = {"type": "json_object", name: Weather.model_json_schema()}
            Weather.model_validate_json(chat(response_format=form).message.content[0].text)

    def test_every_setting_is_taken(self):
        picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}}
        turns = [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "What is this?"}, picture]},
        ]
        answer = chat(
            turns,
            documents=["a text", {"id": "1", "data": {"title": "a"}}],
            citation_options={"mode": "FAST"},
            safety_mode="STRICT",
            max_tokens=1,
            stop_sequences=["never"],
            temperature=0.3,
            seed=3,
            frequency_penalty=0.1,
            presence_penalty=0.1,
            k=3,
            p=0.7,
            logprobs=True,
        )
        self.assertEqual(answer.finish_reason, "MAX_TOKENS")

    def test_embeddings(self):
        asked = {"model": "m-1", "input_type": "search_query", "embedding_types": ["float"]}
        answer = CLIENT.embed(texts=["one", "two"], output_dimension=8, **asked)
        self.assertEqual([len(vector) for vector in answer.embeddings.float_], [8, 8])
        inputs = [{"content": [{"type": "text", "text": text}]} for text in ("one", "two")]
        same = CLIENT.embed(inputs=inputs, output_dimension=8, **asked)
        self.assertEqual(same.embeddings.float_, answer.embeddings.float_)

    def test_errors_have_their_status(self):
        for status in (400, 401, 404, 422, 429, 500, 503):
            script({"error": {"status": status, "message": "told to fail"}})
            for call in (chat, stream):
                with self.assertRaises(ApiError) as caught:
                    call()
                self.assertEqual(caught.exception.status_code, status)
                self.assertEqual(caught.exception.body, {"message": "told to fail"})

    def test_an_error_inside_a_stream_is_its_end(self):
        script({"answer": {"text": "one two three"}, "fault": {"type": "error", "after": 2, "status": 503}})
        last = stream()[-1]
        self.assertEqual((last.type, last.delta.finish_reason), ("message-end", "ERROR"))
        self.assertTrue(last.delta.error)

    def test_the_asynchronous_client(self):
        async def run():
            client = cohere.AsyncClientV2(api_key="test", base_url=MOCK)
            return await client.chat(model="m-1", messages=ASK)

        self.assertEqual(asyncio.run(run()).message.content, chat().message.content)
