// Upstreams: limits on connections and requests, and the queue in front of them.
import { assert, eventually, reverse, scenario, sleep } from '../kit/index.js';
import type { ServerResponse } from 'node:http';

const get = (path = '/', host = 'web.test'): string => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

scenario('requests beyond the limit wait in line and are served in order', async ({ sluice, origin, connect }) => {
  const held: ServerResponse[] = [];
  const server = await origin((_, response) => held.push(response));
  const proxy = await sluice({
    config: { tenants: [reverse([], {}, { upstreams: [{ name: 'origin', servers: [server.address], pool: { max_connections: 2 } }] })] },
  });
  const clients = await Promise.all([1, 2, 3, 4].map(async () => connect(proxy.address('web'))));
  const answers: string[] = [];
  const asked: Array<Promise<unknown>> = [];
  for (const [index, client] of clients.entries()) {
    asked.push(client.ask(get(`/${index}`)).then((r) => answers.push(r.text)));
    await sleep(20);
  }
  await eventually('it happens', () => held.length === 2);
  await sleep(50);
  assert.equal(held.length, 2, 'the third request waits');
  const table = JSON.parse((await proxy.ctl('--json', 'connections')).stdout) as { connections: Array<{ state: string }> };
  assert.equal(table.connections.filter((c) => c.state === 'queued').length, 2);
  for (let i = 0; i < 4; i += 1) {
    await eventually('it happens', () => held.length > i);
    held[i]?.end(server.seen[i]?.target);
    await eventually('it happens', () => answers.length === i + 1);
  }
  await Promise.all(asked);
  assert.deepEqual(answers, ['/0', '/1', '/2', '/3']);
  assert.equal(server.accepted, 2);
  const metrics = await proxy.metrics();
  assert.equal(metrics.sum('sluice_upstream_queued_total', { upstream: 'origin' }), 2);
  assert.equal(metrics.sum('sluice_upstream_queue'), 0);
});

scenario('a full queue and a wait that is too long are answered with 503', async ({ sluice, origin, connect }) => {
  const server = await origin(() => undefined);
  const proxy = await sluice({
    config: {
      tenants: [reverse([], {}, {
        upstreams: [{ name: 'origin', servers: [server.address], max_requests: 1, queue: { length: 1, timeout: '1s' } }],
      })],
    },
  });
  const [first, second, third] = await Promise.all([1, 2, 3].map(async () => connect(proxy.address('web'))));
  await first!.send(get('/1'));
  await eventually('it happens', () => server.seen.length === 1);
  const since = Date.now();
  const expired = second!.ask(get('/2'));
  await sleep(50);
  const full = await third!.ask(get('/3'));
  assert.equal(full.status, 503);
  assert.ok(Date.now() - since < 1000);
  assert.match(full.head.get('proxy-status') ?? '', /error=connection_limit_reached/);
  const late = await expired;
  assert.equal(late.status, 503);
  assert.match(late.head.get('proxy-status') ?? '', /error=connection_limit_reached/);
  assert.ok(Date.now() - since >= 950);
  assert.equal(server.seen.length, 1);
  const metrics = await proxy.metrics();
  assert.equal(metrics.sum('sluice_upstream_refused_total', { reason: 'queue_full' }), 1);
  assert.equal(metrics.sum('sluice_upstream_refused_total', { reason: 'queue_expired' }), 1);
});

scenario('a client that leaves the queue makes room for who stands behind it', async ({ sluice, origin, connect }) => {
  const held: ServerResponse[] = [];
  const server = await origin((_, response) => held.push(response));
  const proxy = await sluice({
    config: { tenants: [reverse([], {}, { upstreams: [{ name: 'origin', servers: [server.address], max_requests: 1 }] })] },
  });
  const [first, second, third] = await Promise.all([1, 2, 3].map(async () => connect(proxy.address('web'))));
  const answered = first!.ask(get('/1'));
  await eventually('it happens', () => held.length === 1);
  await second!.send(get('/2'));
  await sleep(50);
  const behind = third!.ask(get('/3'));
  await sleep(50);
  second!.reset();
  await eventually('it happens', async () => (await proxy.metrics()).sum('sluice_upstream_queue') === 1);
  held[0]!.end('one');
  assert.equal((await answered).text, 'one');
  await eventually('it happens', () => held.length === 2);
  held[1]!.end('three');
  assert.equal((await behind).text, 'three');
  assert.deepEqual(server.seen.map((s) => s.target), ['/1', '/3']);
});

scenario('idle connections are closed to stay below the connections of an upstream', async ({ sluice, origin, connect }) => {
  const a = await origin((_, response) => response.end('a'));
  const b = await origin((_, response) => response.end('b'));
  const proxy = await sluice({
    config: { tenants: [reverse([], {}, { upstreams: [{ name: 'origin', servers: [a.address, b.address], max_connections: 1 }] })] },
  });
  const client = await connect(proxy.address('web'));
  for (let i = 0; i < 6; i += 1) {
    assert.equal((await client.ask(get())).status, 200);
    await eventually('it happens', () => a.open + b.open <= 1);
  }
  assert.equal(a.accepted + b.accepted, 6);
});

scenario('a connection is closed after its requests, its age, or before the time that the origin names', async ({ sluice, origin, scripted, connect }) => {
  const counted = await origin();
  const aged = await origin();
  const hinting = await scripted(async (c, index) => {
    await c.readRequest();
    await c.send(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: ${index === 0 ? 'timeout=1' : 'timeout=60, max=0'}\r\n\r\nok`);
    await c.reader.closed();
  });
  const proxy = await sluice({
    config: {
      tenants: [reverse([], {
        routes: [{ path: '/counted', upstream: 'counted' }, { path: '/aged', upstream: 'aged' }, { path: '/hinting', upstream: 'hinting' }],
      }, {
        upstreams: [
          { name: 'counted', servers: [counted.address], pool: { requests_per_connection: 2 } },
          { name: 'aged', servers: [aged.address], pool: { max_age: '300ms' } },
          { name: 'hinting', servers: [hinting.address] },
        ],
      })],
    },
  });
  const client = await connect(proxy.address('web'));
  for (let i = 0; i < 6; i += 1) assert.equal((await client.ask(get('/counted'))).status, 200);
  assert.equal(counted.accepted, 3);
  await client.ask(get('/aged'));
  await client.ask(get('/aged'));
  assert.equal(aged.accepted, 1);
  await sleep(350);
  await client.ask(get('/aged'));
  assert.equal(aged.accepted, 2);
  await client.ask(get('/hinting'));
  await eventually('it happens', () => hinting.open === 0);
  await client.ask(get('/hinting'));
  await eventually('it happens', () => hinting.open === 0);
  assert.equal(hinting.accepted, 2);
});
