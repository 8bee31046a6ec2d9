"""Google's official Python client against the mock server: AI Studio and Vertex AI, chat, embeddings, errors."""

import asyncio
import unittest

from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials
from pydantic import BaseModel

from mock import MOCK, script


class Weather(BaseModel):
    city: str
    degrees: int


WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="weather",
            description="The weather of a city.",
            parameters_json_schema={
                "type": "object",
                "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
                "required": ["city", "days"],
            },
        )
    ]
)
ASK = "Why is the sky blue?"


class Generate(unittest.TestCase):
    """AI Studio; the same again for Vertex AI below."""

    def setUp(self):
        script(None)
        self.client = self.connect()
        self.addCleanup(self.client.close)

    def connect(self):
        return genai.Client(api_key="test", http_options=types.HttpOptions(base_url=MOCK))

    def generate(self, contents=ASK, **config):
        config = types.GenerateContentConfig(**config)
        return self.client.models.generate_content(model="m-1", contents=contents, config=config)

    def stream(self, **config):
        config = types.GenerateContentConfig(**config)
        return self.client.models.generate_content_stream(model="m-1", contents=ASK, config=config)

    def test_an_answer(self):
        answer = self.generate(system_instruction="Be brief.")
        self.assertEqual(answer.candidates[0].finish_reason, types.FinishReason.STOP)
        self.assertEqual(answer.model_version, "m-1")
        usage = answer.usage_metadata
        self.assertEqual(usage.total_token_count, usage.prompt_token_count + usage.candidates_token_count)

    def test_a_stream_says_what_the_answer_says(self):
        chunks = list(self.stream())
        self.assertGreater(len(chunks), 2)
        self.assertEqual("".join(chunk.text or "" for chunk in chunks), self.generate().text)
        self.assertEqual(chunks[-1].candidates[0].finish_reason, types.FinishReason.STOP)
        self.assertGreater(chunks[-1].usage_metadata.total_token_count, 0)

    def test_a_tool_is_called_and_its_result_taken(self):
        calling = types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode="ANY"))
        asked = self.generate(tools=[WEATHER], tool_config=calling)
        [call] = asked.function_calls
        self.assertEqual((call.name, sorted(call.args)), ("weather", ["city", "days"]))
        result = types.Part.from_function_response(name=call.name, response={"result": "rain"})
        question = types.Content(role="user", parts=[types.Part(text=ASK)])
        back = [question, asked.candidates[0].content, types.Content(role="user", parts=[result])]
        self.assertIn("rain", self.generate(back, tools=[WEATHER]).text)

    def test_several_calls_and_thoughts_stream_in_their_order(self):
        calls = [{"name": "weather", "input": {"city": "Rome"}}, {"name": "weather", "input": {}}]
        script({"answer": {"reasoning": "I must look.", "text": "One moment.", "tool_calls": calls}})
        parts = [part for chunk in self.stream() for part in chunk.candidates[0].content.parts or []]
        self.assertEqual("".join(part.text for part in parts if part.thought), "I must look.")
        self.assertEqual("".join(part.text or "" for part in parts if not part.thought), "One moment.")
        called = [part.function_call.args for part in parts if part.function_call]
        self.assertEqual(called, [{"city": "Rome"}, {}])

    def test_structured_output_parses(self):
        for schema in ({"response_schema": Weather}, {"response_json_schema": Weather.model_json_schema()}):
            answer = self.generate(response_mime_type="application/json", **schema)
            Weather.model_validate_json(answer.text)
        answer = self.generate(response_mime_type="application/json", response_schema=list[Weather])
        self.assertIsInstance(answer.parsed[0], Weather)

    def test_every_setting_is_taken(self):
        answer = self.generate(
            candidate_count=2,
            max_output_tokens=2,
            temperature=0.1,
            top_k=4,
            top_p=0.9,
            seed=3,
            stop_sequences=["never"],
            presence_penalty=0.1,
            thinking_config=types.ThinkingConfig(thinking_budget=-1, include_thoughts=True),
            safety_settings=[
                types.SafetySetting(category="HARM_CATEGORY_HATE_SPEECH", threshold="BLOCK_NONE")
            ],
            tools=[types.Tool(google_search=types.GoogleSearch())],
        )
        ends = [(candidate.index, candidate.finish_reason.value) for candidate in answer.candidates]
        self.assertEqual(ends, [(0, "MAX_TOKENS"), (1, "MAX_TOKENS")])

    def test_media_are_taken(self):
        picture = types.Part.from_bytes(data=b"\x89PNG", mime_type="image/png")
        document = types.Part.from_uri(file_uri="gs://bucket/a.pdf", mime_type="application/pdf")
        self.assertIn("What is this?", self.generate([picture, document, "What is this?"]).text)

    def test_a_chat_remembers(self):
        chat = self.client.chats.create(model="m-1")
        self.assertIn("one", chat.send_message("one").text)
        self.assertIn("two", "".join(chunk.text or "" for chunk in chat.send_message_stream("two")))

    def test_embeddings(self):
        config = types.EmbedContentConfig(output_dimensionality=8, task_type="RETRIEVAL_QUERY")
        for model in ("gemini-embedding-001", "text-embedding-005"):
            for texts in (["one"], ["one", "two"]):
                answer = self.client.models.embed_content(model=model, contents=texts, config=config)
                self.assertEqual([len(one.values) for one in answer.embeddings], [8] * len(texts))

    def test_errors_have_their_status_and_word(self):
        for status, word, kind in (
            (400, "INVALID_ARGUMENT", errors.ClientError),
            (403, "PERMISSION_DENIED", errors.ClientError),
            (404, "NOT_FOUND", errors.ClientError),
            (429, "RESOURCE_EXHAUSTED", errors.ClientError),
            (503, "UNAVAILABLE", errors.ServerError),
        ):
            script({"error": {"status": status, "message": "told to fail"}})
            with self.assertRaises(kind) as caught:
                self.generate()
            self.assertEqual((caught.exception.code, caught.exception.status), (status, word))
            self.assertIn("told to fail", caught.exception.message)

    def test_an_error_inside_a_stream_is_raised(self):
        script({"answer": {"text": "one two three"}, "fault": {"type": "error", "after": 2, "status": 503}})
        said = []
        with self.assertRaises(errors.APIError) as caught:
            for chunk in self.stream():
                said.append(chunk.text)
        self.assertEqual((said, caught.exception.code), (["one ", "two "], 503))

    def test_the_asynchronous_client(self):
        async def run():
            stream = await self.client.aio.models.generate_content_stream(model="m-1", contents=ASK)
            return "".join([chunk.text or "" async for chunk in stream])

        self.assertEqual(asyncio.run(run()), self.generate().text)


class Vertex(Generate):
    def connect(self):
        return genai.Client(
            vertexai=True,
            project="project",
            location="us-central1",
            credentials=Credentials("test"),
            http_options=types.HttpOptions(base_url=MOCK),
        )
