// The corpus of HTTP/2 against a real Sluice: frames that break a rule, requests that are malformed, floods, tunnels, and
// what is allowed however odd it looks; and what an HTTP/1.1 origin sees of each. All are played on one Sluice.
import { test } from 'node:test';
import { connection } from '../corpus/http2/connection.js';
import { floods } from '../corpus/http2/floods.js';
import { malformedRequests } from '../corpus/http2/malformed.js';
import { hello } from '../corpus/http2/frames.js';
import { play, type Case } from '../corpus/http2/play.js';
import { soundRequests } from '../corpus/http2/sound.js';
import { tunnels } from '../corpus/http2/tunnels.js';
import { startOrigins } from '../corpus/lanes.js';
import { assert, patience, scenario } from '../kit/index.js';

const lanes = 8;
const cases: readonly Case[] = [...connection, ...malformedRequests, ...soundRequests, ...tunnels, ...floods];
const played = new Map<string, string[]>();

scenario('the corpus of HTTP/2 plays against one Sluice, which stays whole', async ({ sluice, after }) => {
  const origins = await startOrigins(lanes);
  after(() => origins.forEach((o) => o.close()));
  const endpoints = origins.flatMap((_, i) => [
    { name: `reverse-${i}`, listen: ['127.0.0.1:0'], mode: 'reverse', routes: [{ upstream: `origin-${i}` }], http: { http2: { streams: 100 } } },
    { name: `forward-${i}`, listen: ['127.0.0.1:0'], mode: 'forward', connect: { ports: [] } },
  ]);
  const upstreams = origins.map((o, i) => ({ name: `origin-${i}`, servers: [`127.0.0.1:${o.port}`] }));
  const proxy = await sluice({ config: { tenants: [{ name: 'main', workers: 1, egress: { allow_private: true }, upstreams, endpoints }] } });
  const queue = [...cases];
  await Promise.all(origins.map(async (origin, lane) => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
      const port = Number(proxy.address(`${one.on ?? 'reverse'}-${lane}`).split(':')[1]);
      const send = typeof one.send === 'function' ? one.send(`127.0.0.1:${origin.port}`) : one.send;
      played.set(one.name, await play(one.bare === true ? one : { ...one, send: [hello, ...send] }, { port, origin, patience: 5000 * patience }));
    }
  }));
  assert.equal(played.size, cases.length, 'two cases have the same name');
  assert.ok(cases.length >= 200, `only ${cases.length} cases`);
  const metrics = await proxy.metrics();
  for (const cause of new Set(floods.map((f) => f.cause)))
    assert.equal(metrics.sum('sluice_http2_floods_total', { cause }), floods.filter((f) => f.cause === cause).length, cause);
}, { timeout: 120_000 });

for (const one of cases) {
  test(`http2: ${one.name}`, () => {
    const wrong = played.get(one.name) ?? ['it was not played'];
    assert.deepEqual(wrong, [], `${one.why}\n${wrong.join('\n')}`);
  });
}
