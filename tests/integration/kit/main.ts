// Runs the suite: every file of suite/ in a process of its own, one after the other, so that a crash or a leak stays
// where it belongs and timings do not disturb each other.
//
//   node dist/kit/main.js [--name TEXT] [PATTERN…]
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Counts { passed: number; failed: number; skipped: number }

const here = fileURLToPath(new URL('.', import.meta.url));
const suite = join(here, '..', 'suite');
const patterns: string[] = [];
let name: string | undefined;
for (let args = process.argv.slice(2); args.length > 0;) {
  const arg = args.shift() as string;
  if (arg === '--name') name = args.shift();
  else patterns.push(arg);
}

async function runFile(file: string, scratch: string): Promise<Counts> {
  const countsFile = join(scratch, `${file}.counts`);
  const options = [`--test-reporter=${join(here, 'reporter.js')}`, '--enable-source-maps', '--no-warnings'];
  if (name !== undefined) options.push(`--test-name-pattern=${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`);
  const child = spawn(process.execPath, [...options, join(suite, file)], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, SLUICE_TEST_FILE_COUNTS: countsFile },
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), 900_000);
  const code = await new Promise<number | null>((done) => child.on('exit', done));
  clearTimeout(limit);
  if (!existsSync(countsFile)) {
    console.log(`  FAIL  ${file} ended with ${code} before it could report`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const counts = JSON.parse(readFileSync(countsFile, 'utf8')) as Counts;
  if (code !== 0 && counts.failed === 0) {
    console.log(`  FAIL  ${file} ended with ${code}`);
    counts.failed += 1;
  }
  return counts;
}

const files = readdirSync(suite).filter((f) => f.endsWith('.test.js') && (patterns.length === 0 || patterns.some((p) => f.includes(p))));
const scratch = mkdtempSync(join(tmpdir(), 'sluice-suite-'));
const total: Counts = { passed: 0, failed: 0, skipped: 0 };
for (const file of files.sort()) {
  console.log(file.replace('.test.js', ''));
  const counts = await runFile(file, scratch);
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
}
rmSync(scratch, { recursive: true });
if (files.length === 0) {
  console.log(`no file in the suite matches ${patterns.join(' ')}`);
  total.failed += 1;
}
const countsFile = process.env['SLUICE_TEST_COUNTS'];
if (countsFile !== undefined) writeFileSync(countsFile, `${total.passed} ${total.failed} ${total.skipped}\n`);
else console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
