// Anthropic's official client for Node against the mock server.

import Anthropic from '@anthropic-ai/sdk'
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { MOCK, script } from './mock.mjs'

const client = (options = {}) => new Anthropic({ baseURL: MOCK, apiKey: 'test', maxRetries: 0, ...options })
const messages = [{ role: 'user', content: 'Why is the sky blue?' }]
const ask = { model: 'm-1', max_tokens: 500, messages }
const input_schema = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'integer' } },
  required: ['city', 'days'],
  additionalProperties: false,
}
const tools = [{ name: 'weather', input_schema }]

afterEach(() => script())

test('a stream says what the answer says', async () => {
  const whole = await client().messages.create(ask)
  assert.equal(whole.stop_reason, 'end_turn')
  const stream = client().messages.stream(ask)
  let text = ''
  stream.on('text', (delta) => (text += delta))
  const final = await stream.finalMessage()
  assert.equal(text, whole.content[0].text)
  assert.equal(final.usage.output_tokens, whole.usage.output_tokens)
})

test('a tool is called, streamed, and its result taken', async () => {
  const asked = await client().messages.stream({ ...ask, tools, tool_choice: { type: 'any' } }).finalMessage()
  assert.equal(asked.stop_reason, 'tool_use')
  const call = asked.content.find((block) => block.type === 'tool_use')
  assert.deepEqual(Object.keys(call.input).sort(), ['city', 'days'])
  const result = { type: 'tool_result', tool_use_id: call.id, content: 'rain' }
  const back = [...messages, { role: 'assistant', content: asked.content }, { role: 'user', content: [result] }]
  const told = await client().messages.create({ ...ask, messages: back, tools })
  assert.equal(told.stop_reason, 'end_turn')
})

test('structured output is JSON of its schema', async () => {
  const format = { type: 'json_schema', schema: input_schema }
  const answer = await client().messages.create({ ...ask, output_config: { format } })
  assert.deepEqual(Object.keys(JSON.parse(answer.content[0].text)).sort(), ['city', 'days'])
})

test('each status is its own class', async () => {
  const kinds = [
    [400, Anthropic.BadRequestError],
    [401, Anthropic.AuthenticationError],
    [403, Anthropic.PermissionDeniedError],
    [404, Anthropic.NotFoundError],
    [429, Anthropic.RateLimitError],
    [529, Anthropic.InternalServerError],
  ]
  for (const [code, kind] of kinds) {
    await script({ error: { status: code } })
    await assert.rejects(
      () => client().messages.create(ask),
      (error) => error instanceof kind && error.status === code,
    )
  }
})

test('the client waits as told and tries again', async () => {
  await script({ times: 2, error: { status: 529, retry_after: '5ms', retry_after_form: 'milliseconds' } })
  const answer = await client({ maxRetries: 2 }).messages.create(ask)
  assert.equal(answer.stop_reason, 'end_turn')
})

test('an error inside a stream is thrown', async () => {
  await script({ fault: { type: 'error', after: 2 } })
  const read = async () => {
    for await (const _ of await client().messages.create({ ...ask, stream: true }));
  }
  await assert.rejects(read, Anthropic.APIError)
})
