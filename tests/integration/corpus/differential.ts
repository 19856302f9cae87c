// Prints what nginx and HAProxy do otherwise than Sluice with the bytes of the corpus, with the reason for each; ends
// with 1 when a difference has none. tests/corpus/differential runs it.
import { Sluice } from '../kit/index.js';
import { comparable, examine, loadReasons } from './differences.js';
import { loadCorpus } from './format.js';
import { corpusFolder, playAll, startOrigins, tenant } from './lanes.js';
import { missing, version, type PeerName } from './peers.js';

const cases = comparable(loadCorpus(corpusFolder));
const reasons = loadReasons(corpusFolder);
const origins = await startOrigins(12);
const sluice = await Sluice.launch({ config: { tenants: [tenant(origins)] } });
await sluice.waitUntilReady();
const port = (endpoint: string, lane: number): number => Number(sluice.address(`${endpoint}-${lane}`).split(':')[1]);
const ours = await playAll(cases, origins, port, { quiet: 80, patience: 3000 });
await sluice.finish();
origins.forEach((o) => o.close());

let failed = false;
for (const peer of ['nginx', 'haproxy'] as PeerName[]) {
  const why = missing(peer);
  if (why !== undefined) {
    console.log(`\n${peer}: skipped, ${why}`);
    continue;
  }
  const { differences, unexplained, stale } = await examine(peer, ours, reasons);
  console.log(`\n${peer} ${version(peer)}: ${cases.length} cases, ${differences.length} differences`);
  for (const d of differences) {
    const reason = unexplained.some((u) => u.name === d.name) ? 'UNEXPLAINED' : reasons.get(`${d.peer}: ${d.name}`)?.reason ?? '';
    console.log(`- ${d.name}\n    sluice   ${d.sluice}\n    ${peer.padEnd(8)} ${d.does}\n    why      ${reason}`);
  }
  for (const one of stale) console.log(`no longer so: ${one}`);
  failed ||= unexplained.length + stale.length > 0;
  console.log(`${peer}: ${unexplained.length} unexplained, ${stale.length} explanations of what is no longer so`);
}
process.exitCode = failed ? 1 : 0;
