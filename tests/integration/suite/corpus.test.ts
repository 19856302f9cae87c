// The corpus of tests/corpus/ against a real Sluice: framing, smuggling, limits, tunnels. Each case is a test of its
// own; all are played on one Sluice, several at a time.
import { test } from 'node:test';
import { loadCorpus } from '../corpus/format.js';
import { judge, summary } from '../corpus/judge.js';
import { corpusFolder, playAll, startOrigins, tenant, type Played } from '../corpus/lanes.js';
import { assert, patience, scenario } from '../kit/index.js';

const lanes = 12;
const cases = loadCorpus(corpusFolder);
let played: Played[] = [];

scenario('the corpus plays against one Sluice, which stays whole', async ({ sluice, after }) => {
  const origins = await startOrigins(lanes);
  after(() => origins.forEach((o) => o.close()));
  const proxy = await sluice({ config: { tenants: [tenant(origins)] } });
  const port = (endpoint: string, lane: number): number => Number(proxy.address(`${endpoint}-${lane}`).split(':')[1]);
  played = await playAll(cases, origins, port, { quiet: 80 * patience, patience: 3000 * patience });
  assert.ok(cases.length >= 300, `only ${cases.length} cases`);
}, { timeout: 60_000 });

for (const one of cases) {
  test(`corpus: ${one.name}`, () => {
    const found = played.find((p) => p.one.name === one.name);
    assert.ok(found !== undefined, 'it was not played');
    const wrong = judge(found.one, found.outcome);
    assert.deepEqual(wrong, [], `${one.place}: ${one.why}\n${wrong.join('\n')}\nin short: ${summary(found.outcome)}`);
  });
}
