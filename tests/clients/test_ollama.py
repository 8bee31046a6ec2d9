"""Ollama's official Python client against the mock server: chat, generate, embed, errors."""

import asyncio
import unittest

import ollama
from pydantic import BaseModel

from mock import MOCK, script


class Weather(BaseModel):
    city: str
    degrees: int


def weather(city: str, days: int) -> str:
    """The weather of a city.

    Args:
        city: which city
        days: how many days
    """
    return f"rain in {city} for {days} days"


ASK = [{"role": "user", "content": "Why is the sky blue?"}]
PICTURE = b"\x89PNG\r\n\x1a\n"
CLIENT = ollama.Client(host=MOCK)


def chat(messages=ASK, **options):
    return CLIENT.chat(model="m-1", messages=messages, **options)


class Chat(unittest.TestCase):
    def setUp(self):
        script(None)

    def test_an_answer(self):
        answer = chat()
        self.assertEqual((answer.model, answer.done, answer.done_reason), ("m-1", True, "stop"))
        self.assertTrue(answer.message.content)
        self.assertGreater(answer.eval_count, 0)

    def test_a_stream_says_what_the_answer_says(self):
        pieces = list(chat(stream=True))
        self.assertEqual("".join(piece.message.content for piece in pieces), chat().message.content)
        self.assertEqual([piece.done for piece in pieces[-2:]], [False, True])

    def test_a_tool_is_called_and_its_result_taken(self):
        calls = [{"name": "weather", "input": {"city": "Rome", "days": 2}}, {"name": "weather", "input": {}}]
        script({"answer": {"tool_calls": calls}})
        asked = chat(tools=[weather])
        called = [(call.function.name, call.function.arguments) for call in asked.message.tool_calls]
        self.assertEqual(called, [("weather", {"city": "Rome", "days": 2}), ("weather", {})])
        streamed = [call for piece in chat(tools=[weather], stream=True) for call in piece.message.tool_calls or []]
        self.assertEqual([dict(call.function.arguments) for call in streamed], [call[1] for call in called])
        script(None)
        result = {"role": "tool", "content": "rain", "tool_name": "weather"}
        self.assertIn("rain", chat([*ASK, asked.message, result], tools=[weather]).message.content)

    def test_thinking_stands_apart(self):
        script({"answer": {"reasoning": "I must look.", "text": "Blue light scatters."}})
        answer = chat(think=True).message
        self.assertEqual((answer.thinking, answer.content), ("I must look.", "Blue light scatters."))
        pieces = list(chat(think="high", stream=True))
        self.assertEqual("".join(piece.message.thinking or "" for piece in pieces), answer.thinking)

    def test_structured_output_parses(self):
        Weather.model_validate_json(chat(format=Weather.model_json_schema()).message.content)

    def test_every_setting_is_taken(self):
        options = ollama.Options(num_ctx=100, num_predict=1, stop=["never"], temperature=0.1, seed=3, top_k=5)
        turn = {"role": "user", "content": "What is this?", "images": [PICTURE]}
        answer = chat([turn], options=options, keep_alive="5m", logprobs=True, top_logprobs=2)
        self.assertEqual(answer.done_reason, "length")
        self.assertEqual(chat(options={"num_predict": -1, "mirostat": 1}).done_reason, "stop")

    def test_generate_and_its_stream(self):
        whole = CLIENT.generate(model="m-1", prompt="Why?", system="Be brief.", images=[PICTURE], suffix="")
        self.assertEqual((whole.done, whole.done_reason), (True, "stop"))
        pieces = CLIENT.generate(model="m-1", prompt="Why?", system="Be brief.", stream=True)
        self.assertEqual("".join(piece.response for piece in pieces), whole.response)
        said = CLIENT.generate(model="m-1", prompt="Why?", format=Weather.model_json_schema())
        Weather.model_validate_json(said.response)

    def test_embeddings_and_models(self):
        answer = CLIENT.embed(model="m-1", input=["one", "two"], dimensions=8, truncate=True)
        self.assertEqual([len(vector) for vector in answer.embeddings], [8, 8])
        self.assertEqual(len(CLIENT.embed(model="m-1", input="one").embeddings), 1)
        self.assertEqual([model.model for model in CLIENT.list().models], ["mock-1"])

    def test_errors_have_their_status(self):
        for status in (400, 404, 429, 500, 503):
            script({"error": {"status": status, "message": "told to fail"}})
            with self.assertRaises(ollama.ResponseError) as caught:
                chat()
            self.assertEqual((caught.exception.status_code, caught.exception.error), (status, "told to fail"))
            with self.assertRaises(ollama.ResponseError):
                list(chat(stream=True))

    def test_an_error_inside_a_stream_is_raised(self):
        script({"answer": {"text": "one two three"}, "fault": {"type": "error", "after": 2, "status": 503}})
        said = []
        with self.assertRaises(ollama.ResponseError):
            for piece in chat(stream=True):
                said.append(piece.message.content)
        self.assertEqual(said, ["one ", "two "])

    def test_the_asynchronous_client(self):
        async def run():
            client = ollama.AsyncClient(host=MOCK)
            stream = await client.chat(model="m-1", messages=ASK, stream=True)
            return "".join([piece.message.content async for piece in stream])

        self.assertEqual(asyncio.run(run()), chat().message.content)
