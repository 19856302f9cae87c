// The corpus against nginx and HAProxy, as Debian has them: every difference from Sluice has its reason in
// tests/corpus/differences.txt, and no reason is there for a difference that is none.
import { test } from 'node:test';
import { comparable, examine, loadReasons } from '../corpus/differences.js';
import { loadCorpus } from '../corpus/format.js';
import { corpusFolder, playAll, startOrigins, tenant, type Played } from '../corpus/lanes.js';
import { missing, version, type PeerName } from '../corpus/peers.js';
import { assert, patience, scenario } from '../kit/index.js';

// other versions may differ otherwise: then the reasons are to be looked through again
const known: Record<PeerName, string> = { nginx: '1.22.', haproxy: '2.6.' };
const cases = comparable(loadCorpus(corpusFolder));
let ours: Played[] = [];

function notNow(peer: PeerName): string | undefined {
  if (process.env['SLUICE_SANITIZED'] === '1') return 'says nothing about the sanitized build that the ordinary one does not';
  const why = missing(peer);
  if (why !== undefined) return why;
  return version(peer).startsWith(known[peer]) ? undefined : `the reasons are for ${peer} ${known[peer]}x, here is ${version(peer)}`;
}

scenario('the corpus plays against Sluice, for comparison', async ({ sluice, after }) => {
  const origins = await startOrigins(12);
  after(() => origins.forEach((o) => o.close()));
  const proxy = await sluice({ config: { tenants: [tenant(origins)] } });
  const port = (endpoint: string, lane: number): number => Number(proxy.address(`${endpoint}-${lane}`).split(':')[1]);
  ours = await playAll(cases, origins, port, { quiet: 80 * patience, patience: 3000 * patience });
});

for (const peer of ['nginx', 'haproxy'] as PeerName[]) {
  const skip = notNow(peer);
  test(`every difference from ${peer} has a reason`, { timeout: 120_000, ...(skip === undefined ? {} : { skip }) }, async () => {
    const { differences, unexplained, stale } = await examine(peer, ours, loadReasons(corpusFolder));
    const text = unexplained.map((d) => `${d.name}\n  sluice: ${d.sluice}\n  ${peer}: ${d.does}`).join('\n');
    assert.equal(unexplained.length, 0, `without a reason:\n${text}\n(tests/corpus/differential prints all)`);
    assert.deepEqual(stale, []);
    assert.ok(differences.length > 0);
  });
}
