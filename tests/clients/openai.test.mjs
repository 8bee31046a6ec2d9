// OpenAI's official client for Node against the mock server.

import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import OpenAI from 'openai'
import { MOCK, script } from './mock.mjs'

const client = (options = {}) => new OpenAI({ baseURL: `${MOCK}/v1`, apiKey: 'test', maxRetries: 0, ...options })
const messages = [{ role: 'user', content: 'Why is the sky blue?' }]
const ask = { model: 'm-1', messages }
const schema = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'integer' } },
  required: ['city', 'days'],
  additionalProperties: false,
}
const tool = { type: 'function', function: { name: 'weather', parameters: schema, strict: true } }
const input = 'Why is the sky blue?'

afterEach(() => script())

test('chat: a stream says what the answer says', async () => {
  const whole = await client().chat.completions.create(ask)
  assert.equal(whole.choices[0].finish_reason, 'stop')
  let text = ''
  for await (const chunk of await client().chat.completions.create({ ...ask, stream: true })) {
    text += chunk.choices[0]?.delta.content ?? ''
  }
  assert.equal(text, whole.choices[0].message.content)
})

test('chat: the streaming runner folds tool calls', async () => {
  const runner = client().chat.completions.stream({ ...ask, tools: [tool], tool_choice: 'required' })
  const final = await runner.finalChatCompletion()
  const [call] = final.choices[0].message.tool_calls
  assert.equal(call.function.name, 'weather')
  assert.deepEqual(Object.keys(JSON.parse(call.function.arguments)).sort(), ['city', 'days'])
})

test('chat: a tool result is taken', async () => {
  const asked = await client().chat.completions.create({ ...ask, tools: [tool], tool_choice: 'required' })
  const [message] = asked.choices.map((choice) => choice.message)
  const result = { role: 'tool', tool_call_id: message.tool_calls[0].id, content: 'rain' }
  const told = await client().chat.completions.create({ ...ask, messages: [...messages, message, result], tools: [tool] })
  assert.equal(told.choices[0].finish_reason, 'stop')
})

test('chat: structured output parses', async () => {
  const response_format = { type: 'json_schema', json_schema: { name: 'weather', schema, strict: true } }
  const answer = await client().chat.completions.parse({ ...ask, response_format })
  assert.deepEqual(Object.keys(answer.choices[0].message.parsed).sort(), ['city', 'days'])
})

test('responses: a stream says what the answer says', async () => {
  const whole = await client().responses.create({ model: 'm-1', input })
  assert.equal(whole.status, 'completed')
  let text = ''
  let last
  for await (const event of await client().responses.create({ model: 'm-1', input, stream: true })) {
    if (event.type === 'response.output_text.delta') text += event.delta
    last = event
  }
  assert.equal(text, whole.output_text)
  assert.equal(last.type, 'response.completed')
})

test('responses: the streaming helper folds tool calls', async () => {
  const tools = [{ type: 'function', ...tool.function }]
  const stream = client().responses.stream({ model: 'm-1', input, tools, tool_choice: 'required' })
  const final = await stream.finalResponse()
  const call = final.output.find((item) => item.type === 'function_call')
  assert.deepEqual(Object.keys(JSON.parse(call.arguments)).sort(), ['city', 'days'])
})

test('responses: structured output parses', async () => {
  const format = { type: 'json_schema', name: 'weather', schema, strict: true }
  const answer = await client().responses.parse({ model: 'm-1', input, text: { format } })
  assert.deepEqual(Object.keys(answer.output_parsed).sort(), ['city', 'days'])
})

test('embeddings: both encodings give the same numbers', async () => {
  const packed = await client().embeddings.create({ model: 'e-1', input: ['sky', 'sea'] })
  const numbers = await client().embeddings.create({ model: 'e-1', input: ['sky', 'sea'], encoding_format: 'float' })
  assert.equal(packed.data.length, 2)
  packed.data.forEach((row, i) => {
    assert.equal(row.embedding.length, numbers.data[i].embedding.length)
    row.embedding.forEach((x, j) => assert.ok(Math.abs(x - numbers.data[i].embedding[j]) < 1e-6))
  })
})

test('errors: each status is its own class', async () => {
  const kinds = [
    [400, OpenAI.BadRequestError],
    [401, OpenAI.AuthenticationError],
    [403, OpenAI.PermissionDeniedError],
    [404, OpenAI.NotFoundError],
    [429, OpenAI.RateLimitError],
    [500, OpenAI.InternalServerError],
  ]
  for (const [code, kind] of kinds) {
    await script({ error: { status: code } })
    const calls = [
      () => client().chat.completions.create(ask),
      () => client().responses.create({ model: 'm-1', input }),
      () => client().embeddings.create({ model: 'e-1', input }),
    ]
    for (const call of calls) {
      await assert.rejects(call, (error) => error instanceof kind && error.status === code && error.message !== '')
    }
  }
})

test('errors: the client waits as told and tries again', async () => {
  await script({ times: 2, error: { status: 429, retry_after: '5ms', retry_after_form: 'milliseconds' } })
  const answer = await client({ maxRetries: 2 }).chat.completions.create(ask)
  assert.equal(answer.choices[0].finish_reason, 'stop')
})

test('errors: one inside a stream is thrown', async () => {
  await script({ fault: { type: 'error', after: 2 } })
  const read = async () => {
    for await (const _ of await client().chat.completions.create({ ...ask, stream: true }));
  }
  await assert.rejects(read, OpenAI.APIError)
})

test('a stream that is left closes its connection', async () => {
  const controller = new AbortController()
  const stream = await client().chat.completions.create({ ...ask, stream: true }, { signal: controller.signal })
  for await (const chunk of stream) {
    assert.equal(chunk.object, 'chat.completion.chunk')
    break
  }
  controller.abort()
})
