"""OpenAI's official Python client against the mock server: chat, responses, embeddings, errors."""

import asyncio
import json
import unittest

import openai
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
            "additionalProperties": False,
        },
        "strict": True,
    },
}
FLAT_TOOL = {"type": "function", **TOOL["function"]}
ASK = [{"role": "user", "content": "Why is the sky blue?"}]


def client(**options):
    return openai.OpenAI(base_url=f"{MOCK}/v1", api_key="test", **{"max_retries": 0, **options})


class Chat(unittest.TestCase):
    def setUp(self):
        script(None)

    def test_an_answer(self):
        answer = client().chat.completions.create(model="m-1", messages=ASK)
        self.assertEqual(answer.object, "chat.completion")
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertTrue(answer.choices[0].message.content)
        self.assertEqual(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens)

    def test_a_stream_says_what_the_answer_says(self):
        whole = client().chat.completions.create(model="m-1", messages=ASK)
        text, finish, usage = "", None, None
        options = {"include_usage": True}
        for chunk in client().chat.completions.create(model="m-1", messages=ASK, stream=True, stream_options=options):
            self.assertEqual(chunk.object, "chat.completion.chunk")
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
                finish = choice.finish_reason or finish
        self.assertEqual((text, finish), (whole.choices[0].message.content, "stop"))
        self.assertEqual(usage.total_tokens, whole.usage.total_tokens)

    def test_the_streaming_manager_folds_the_answer(self):
        with client().chat.completions.stream(model="m-1", messages=ASK) as stream:
            kinds = [event.type for event in stream]
            final = stream.get_final_completion()
        self.assertIn("content.delta", kinds)
        self.assertEqual(final.choices[0].finish_reason, "stop")

    def test_usage_is_not_streamed_unasked(self):
        chunks = list(client().chat.completions.create(model="m-1", messages=ASK, stream=True))
        self.assertTrue(all(chunk.usage is None for chunk in chunks))

    def test_a_tool_is_called_and_its_result_taken(self):
        asked = client().chat.completions.create(model="m-1", messages=ASK, tools=[TOOL], tool_choice="required")
        self.assertEqual(asked.choices[0].finish_reason, "tool_calls")
        call = asked.choices[0].message.tool_calls[0]
        arguments = json.loads(call.function.arguments)
        self.assertEqual((call.function.name, sorted(arguments)), ("weather", ["city", "days"]))
        back = [*ASK, asked.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "rain"}]
        told = client().chat.completions.create(model="m-1", messages=back, tools=[TOOL])
        self.assertEqual(told.choices[0].finish_reason, "stop")

    def test_streamed_tool_calls_fold(self):
        with client().chat.completions.stream(
            model="m-1", messages=ASK, tools=[TOOL], tool_choice="required"
        ) as stream:
            final = stream.get_final_completion()
        call = final.choices[0].message.tool_calls[0]
        self.assertEqual(call.function.name, "weather")
        self.assertEqual(sorted(json.loads(call.function.arguments)), ["city", "days"])

    def test_structured_output_parses(self):
        answer = client().chat.completions.parse(model="m-1", messages=ASK, response_format=Weather)
        self.assertIsInstance(answer.choices[0].message.parsed, Weather)

    def test_several_choices(self):
        answer = client().chat.completions.create(model="m-1", messages=ASK, n=2)
        self.assertEqual([choice.index for choice in answer.choices], [0, 1])

    def test_a_limit_ends_with_length(self):
        answer = client().chat.completions.create(model="m-1", messages=ASK, max_completion_tokens=1)
        self.assertEqual(answer.choices[0].finish_reason, "length")

    def test_images_are_taken(self):
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
        content = [{"type": "text", "text": "What is this?"}, image]
        answer = client().chat.completions.create(model="m-1", messages=[{"role": "user", "content": content}])
        self.assertEqual(answer.choices[0].finish_reason, "stop")

    def test_the_asynchronous_client(self):
        async def run():
            async with openai.AsyncOpenAI(base_url=f"{MOCK}/v1", api_key="test", max_retries=0) as asynchronous:
                stream = await asynchronous.chat.completions.create(model="m-1", messages=ASK, stream=True)
                return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

        whole = client().chat.completions.create(model="m-1", messages=ASK)
        self.assertEqual(asyncio.run(run()), whole.choices[0].message.content)


class Responses(unittest.TestCase):
    def setUp(self):
        script(None)

    def test_an_answer(self):
        answer = client().responses.create(model="m-1", input="Why is the sky blue?")
        self.assertEqual(answer.status, "completed")
        self.assertTrue(answer.output_text)
        self.assertEqual(answer.usage.total_tokens, answer.usage.input_tokens + answer.usage.output_tokens)

    def test_a_stream_says_what_the_answer_says(self):
        whole = client().responses.create(model="m-1", input="Why is the sky blue?")
        with client().responses.stream(model="m-1", input="Why is the sky blue?") as stream:
            text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
            final = stream.get_final_response()
        self.assertEqual((text, final.output_text), (whole.output_text, whole.output_text))
        self.assertEqual(final.status, "completed")

    def test_a_tool_is_called_and_its_result_taken(self):
        asked = client().responses.create(
            model="m-1", input="Why is the sky blue?", tools=[FLAT_TOOL], tool_choice="required"
        )
        call = next(item for item in asked.output if item.type == "function_call")
        self.assertEqual(sorted(json.loads(call.arguments)), ["city", "days"])
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
        back = [{"role": "user", "content": "Why is the sky blue?"}, *asked.output, result]
        told = client().responses.create(model="m-1", input=back, tools=[FLAT_TOOL])
        self.assertTrue(told.output_text)

    def test_structured_output_parses(self):
        answer = client().responses.parse(model="m-1", input="Weather?", text_format=Weather)
        self.assertIsInstance(answer.output_parsed, Weather)

    def test_a_limit_is_an_incomplete_answer(self):
        answer = client().responses.create(model="m-1", input="Why is the sky blue?", max_output_tokens=2)
        self.assertEqual(answer.status, "incomplete")
        self.assertEqual(answer.incomplete_details.reason, "max_output_tokens")


class Embeddings(unittest.TestCase):
    def setUp(self):
        script(None)

    def test_vectors_are_the_same_in_both_encodings(self):
        texts = ["sky", "sea"]
        packed = client().embeddings.create(model="e-1", input=texts)
        numbers = client().embeddings.create(model="e-1", input=texts, encoding_format="float")
        self.assertEqual([row.index for row in packed.data], [0, 1])
        for one, other in zip(packed.data, numbers.data):
            self.assertEqual(len(one.embedding), len(other.embedding))
            for left, right in zip(one.embedding, other.embedding):
                self.assertAlmostEqual(left, right, places=6)
            self.assertAlmostEqual(sum(x * x for x in one.embedding), 1.0, places=4)
        self.assertNotEqual(packed.data[0].embedding, packed.data[1].embedding)

    def test_dimensions_are_kept(self):
        answer = client().embeddings.create(model="e-1", input="sky", dimensions=8)
        self.assertEqual(len(answer.data[0].embedding), 8)

    def test_models_are_listed(self):
        self.assertTrue([model.id for model in client().models.list()])


class Errors(unittest.TestCase):
    KINDS = [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ]

    def tearDown(self):
        script(None)

    def test_each_status_is_its_own_exception(self):
        for status, kind in self.KINDS:
            script({"error": {"status": status}})
            for call in (
                lambda: client().chat.completions.create(model="m-1", messages=ASK),
                lambda: client().chat.completions.create(model="m-1", messages=ASK, stream=True),
                lambda: client().responses.create(model="m-1", input="hi"),
                lambda: client().embeddings.create(model="e-1", input="hi"),
            ):
                with self.subTest(status=status), self.assertRaises(kind) as raised:
                    call()
                self.assertEqual(raised.exception.status_code, status)
                self.assertTrue(raised.exception.message)

    def test_a_request_without_messages_is_refused(self):
        with self.assertRaises(openai.BadRequestError) as raised:
            client().chat.completions.create(model="m-1", messages="not a list")
        self.assertIn("messages", raised.exception.message)

    def test_the_client_waits_as_told_and_tries_again(self):
        script({"times": 2, "error": {"status": 429, "retry_after": "5ms", "retry_after_form": "milliseconds"}})
        answer = client(max_retries=2).chat.completions.create(model="m-1", messages=ASK)
        self.assertEqual(answer.choices[0].finish_reason, "stop")

    def test_an_error_inside_a_stream_is_raised(self):
        script({"fault": {"type": "error", "after": 2}})
        with self.assertRaises(openai.APIError):
            list(client().chat.completions.create(model="m-1", messages=ASK, stream=True))

    def test_a_broken_stream_is_raised(self):
        script({"fault": {"type": "reset", "after": 2}})
        with self.assertRaises(Exception) as raised:
            list(client().chat.completions.create(model="m-1", messages=ASK, stream=True))
        self.assertNotIsInstance(raised.exception, AssertionError)


if __name__ == "__main__":
    unittest.main()
