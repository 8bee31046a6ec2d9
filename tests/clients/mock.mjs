// The mock server the tests talk to, and what it is told to do.

export const MOCK = process.env.MOCK_URL

/** Makes the server behave as `step` says; without one, as it does by itself. */
export async function script(step) {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${MOCK}/script`, { method: 'POST', headers, body: JSON.stringify({ steps: step ? [step] : [] }) })
  if (!answer.ok) throw new Error(`/script: ${answer.status} ${await answer.text()}`)
}
