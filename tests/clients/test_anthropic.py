"""Anthropic's official Python client against the mock server."""

import asyncio
import unittest

import anthropic
from pydantic import BaseModel

from mock import MOCK, script


class Weather(BaseModel):
    city: str
    degrees: int


TOOL = {
    "name": "weather",
    "description": "The weather of a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city", "days"],
    },
}
ASK = [{"role": "user", "content": "Why is the sky blue?"}]


def client(**options):
    return anthropic.Anthropic(base_url=MOCK, api_key="test", **{"max_retries": 0, **options})


class Messages(unittest.TestCase):
    def setUp(self):
        script(None)

    def test_an_answer(self):
        answer = client().messages.create(model="m-1", max_tokens=500, messages=ASK, system="Be brief.")
        self.assertEqual((answer.type, answer.role, answer.stop_reason), ("message", "assistant", "end_turn"))
        self.assertTrue(answer.content[0].text)
        self.assertGreater(answer.usage.output_tokens, 0)

    def test_a_stream_says_what_the_answer_says(self):
        whole = client().messages.create(model="m-1", max_tokens=500, messages=ASK)
        with client().messages.stream(model="m-1", max_tokens=500, messages=ASK) as stream:
            text = "".join(stream.text_stream)
            final = stream.get_final_message()
        self.assertEqual(text, whole.content[0].text)
        self.assertEqual((final.stop_reason, final.usage.output_tokens), ("end_turn", whole.usage.output_tokens))

    def test_raw_events_come_in_their_order(self):
        kinds = [
            event.type for event in client().messages.create(model="m-1", max_tokens=500, messages=ASK, stream=True)
        ]
        self.assertEqual((kinds[0], kinds[-2:]), ("message_start", ["message_delta", "message_stop"]))
        self.assertEqual((kinds.count("content_block_start"), kinds.count("content_block_stop")), (1, 1))

    def test_a_tool_is_called_and_its_result_taken(self):
        options = {"model": "m-1", "max_tokens": 500, "tools": [TOOL]}
        asked = client().messages.create(messages=ASK, tool_choice={"type": "any"}, **options)
        self.assertEqual(asked.stop_reason, "tool_use")
        call = next(block for block in asked.content if block.type == "tool_use")
        self.assertEqual((call.name, sorted(call.input)), ("weather", ["city", "days"]))
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "rain"}
        back = [*ASK, {"role": "assistant", "content": asked.content}, {"role": "user", "content": [result]}]
        self.assertEqual(client().messages.create(messages=back, **options).stop_reason, "end_turn")

    def test_streamed_tool_input_folds(self):
        with client().messages.stream(
            model="m-1", max_tokens=500, messages=ASK, tools=[TOOL], tool_choice={"type": "tool", "name": "weather"}
        ) as stream:
            final = stream.get_final_message()
        call = next(block for block in final.content if block.type == "tool_use")
        self.assertEqual(sorted(call.input), ["city", "days"])

    def test_structured_output_parses(self):
        answer = client().messages.parse(model="m-1", max_tokens=500, messages=ASK, output_format=Weather)
        self.assertIsInstance(answer.parsed_output, Weather)

    def test_a_limit_ends_with_max_tokens(self):
        answer = client().messages.create(model="m-1", max_tokens=1, messages=ASK)
        self.assertEqual(answer.stop_reason, "max_tokens")

    def test_images_and_documents_are_taken(self):
        image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
        document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hello"}}
        content = [image, document, {"type": "text", "text": "What is this?"}]
        answer = client().messages.create(
            model="m-1", max_tokens=500, messages=[{"role": "user", "content": content}]
        )
        self.assertEqual(answer.stop_reason, "end_turn")

    def test_the_asynchronous_client(self):
        async def run():
            async with anthropic.AsyncAnthropic(base_url=MOCK, api_key="test", max_retries=0) as asynchronous:
                async with asynchronous.messages.stream(model="m-1", max_tokens=500, messages=ASK) as stream:
                    return "".join([text async for text in stream.text_stream])

        whole = client().messages.create(model="m-1", max_tokens=500, messages=ASK)
        self.assertEqual(asyncio.run(run()), whole.content[0].text)

    def test_models_are_listed(self):
        self.assertTrue([model.id for model in client().models.list()])


class Errors(unittest.TestCase):
    KINDS = [
        (400, anthropic.BadRequestError),
        (401, anthropic.AuthenticationError),
        (403, anthropic.PermissionDeniedError),
        (404, anthropic.NotFoundError),
        (429, anthropic.RateLimitError),
        (500, anthropic.InternalServerError),
        (529, anthropic.InternalServerError),
    ]

    def tearDown(self):
        script(None)

    def test_each_status_is_its_own_exception(self):
        for status, kind in self.KINDS:
            script({"error": {"status": status}})
            for stream in (False, True):
                with self.subTest(status=status, stream=stream), self.assertRaises(kind) as raised:
                    client().messages.create(model="m-1", max_tokens=500, messages=ASK, stream=stream)
                self.assertEqual(raised.exception.status_code, status)
                self.assertEqual(raised.exception.body["type"], "error")

    def test_a_request_without_messages_is_refused(self):
        with self.assertRaises(anthropic.BadRequestError) as raised:
            client().messages.create(model="m-1", max_tokens=500, messages="not a list")
        self.assertIn("messages", raised.exception.message)

    def test_the_client_waits_as_told_and_tries_again(self):
        script({"times": 2, "error": {"status": 529, "retry_after": "5ms", "retry_after_form": "milliseconds"}})
        answer = client(max_retries=2).messages.create(model="m-1", max_tokens=500, messages=ASK)
        self.assertEqual(answer.stop_reason, "end_turn")

    def test_an_error_inside_a_stream_is_raised(self):
        script({"fault": {"type": "error", "after": 2}})
        with self.assertRaises(anthropic.APIStatusError):
            list(client().messages.create(model="m-1", max_tokens=500, messages=ASK, stream=True))


if __name__ == "__main__":
    unittest.main()
