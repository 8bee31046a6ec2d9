// Runs every test here and prints how many passed, in the words of `cargo test`.

import { readdirSync } from 'node:fs'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

const files = readdirSync('.').filter((name) => name.endsWith('.test.mjs'))
let [passed, failed] = [0, 0]
// Each file is itself a test; only those inside one count.
const counts = (test) => test.nesting === 0 && !files.some((file) => test.name.endsWith(file))
const stream = run({ files, concurrency: 1 })
stream.on('test:pass', (test) => (passed += counts(test)))
stream.on('test:fail', (test) => (failed += counts(test)))
stream.compose(new spec()).pipe(process.stdout)
stream.on('close', () => {
  console.log(`test result: ${failed ? 'FAILED' : 'ok'}. ${passed} passed; ${failed} failed; 0 ignored`)
  process.exitCode = failed || !passed ? 1 : 0
})
