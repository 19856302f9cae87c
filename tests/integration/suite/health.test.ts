// Servers that fail are left out, those that are well again come back, and what may be tried again is.
import { assert, eventually, reverse, scenario, sleep, type JsonObject, type Kit } from '../kit/index.js';

const get = (path = '/'): string => `GET ${path} HTTP/1.1\r\nHost: web.test\r\n\r\n`;
const tenant = (servers: readonly string[], upstream: JsonObject): JsonObject =>
  reverse([], {}, { upstreams: [{ name: 'origin', servers: [...servers], ...upstream }] });

/** An address that refuses connections. */
async function dead(kit: Kit): Promise<string> {
  const gone = await kit.origin();
  const address = gone.address;
  await gone.close();
  return address;
}

scenario('a server that fails is ejected, and comes back after its time', async (kit) => {
  const good = await kit.origin((_, response) => response.end('good'));
  let sick = true;
  const bad = await kit.origin((_, response) => {
    if (sick) response.socket?.destroy();
    else response.end('bad');
  });
  const proxy = await kit.sluice({
    config: { tenants: [tenant([good.address, bad.address], { health: { passive: { failures: 2, ejection_time: '500ms' } } })] },
  });
  const client = await kit.connect(proxy.address('web'));
  const statuses: number[] = [];
  for (let i = 0; i < 8; i += 1) statuses.push((await client.ask(get())).status);
  assert.equal(statuses.filter((s) => s === 502).length, 2);
  assert.deepEqual(statuses.slice(-4), [200, 200, 200, 200]);
  const line = await proxy.log.waitFor('the event', (r) => r['event'] === 'server ejected');
  assert.equal(line['server'], bad.address);
  sick = false;
  await sleep(550);
  const texts = [(await client.ask(get())).text, (await client.ask(get())).text];
  assert.deepEqual(texts.sort(), ['bad', 'good']);
  const metrics = await proxy.metrics();
  assert.equal(metrics.sum('sluice_upstream_ejections_total', { upstream: 'origin' }), 1);
  assert.equal(metrics.sum('sluice_upstream_servers_well', { upstream: 'origin' }), 2);
});

scenario('when all servers fail, all of them are still asked', async (kit) => {
  const down = await Promise.all([dead(kit), dead(kit)]);
  const proxy = await kit.sluice({ config: { tenants: [tenant(down, { health: { passive: { failures: 1, ejection_time: '1h', max_ejection_time: '1h' } } })] } });
  const client = await kit.connect(proxy.address('web'));
  for (let i = 0; i < 4; i += 1) assert.equal((await client.ask(get())).status, 502);
  await proxy.log.waitFor('the event', (r) => r['event'] === 'upstream in panic');
});

scenario('probes find out before requests do', async (kit) => {
  const probes: string[] = [];
  let well = true;
  const server = (name: string, isWell: () => boolean) => kit.origin((request, response) => {
    if (request.url !== '/health?deep=1') return response.end(name);
    probes.push(`${name} ${request.method} ${request.headers.host} ${request.headers.connection}`);
    response.statusCode = isWell() ? 204 : 503;
    return response.end();
  });
  const a = await server('a', () => true);
  const b = await server('b', () => well);
  const proxy = await kit.sluice({
    config: {
      tenants: [tenant([a.address, b.address], {
        health: { active: { enabled: true, path: '/health?deep=1', host: 'probe.test', interval: '100ms', timeout: '1s', rise: 2, fall: 2 } },
      })],
    },
  });
  const client = await kit.connect(proxy.address('web'));
  await eventually('probes of both', () => probes.some((p) => p.startsWith('a')) && probes.some((p) => p.startsWith('b')));
  assert.equal(probes[0]?.slice(2), 'GET probe.test close');
  well = false;
  await proxy.log.waitFor('the event', (r) => r['event'] === 'server down' && r['server'] === b.address);
  for (let i = 0; i < 4; i += 1) assert.equal((await client.ask(get())).text, 'a');
  well = true;
  await proxy.log.waitFor('the event', (r) => r['event'] === 'server up' && r['server'] === b.address);
  const texts = [(await client.ask(get())).text, (await client.ask(get())).text];
  assert.deepEqual(texts.sort(), ['a', 'b']);
});

scenario('without a server that is well requests are answered with 503, when panic is off', async (kit) => {
  const server = await dead(kit);
  const proxy = await kit.sluice({
    config: { tenants: [tenant([server], { health: { panic_threshold: 0, active: { enabled: true, interval: '100ms', timeout: '1s', fall: 1 } } })] },
  });
  await proxy.log.waitFor('the event', (r) => r['event'] === 'server down');
  const client = await kit.connect(proxy.address('web'));
  const response = await client.ask(get());
  assert.equal(response.status, 503);
  assert.match(response.head.get('proxy-status') ?? '', /error=destination_unavailable/);
});

scenario('an open circuit answers at once, and closes when a trial succeeds', async (kit) => {
  let sick = true;
  const server = await kit.origin((_, response) => {
    if (sick) response.statusCode = 500;
    response.end();
  });
  const proxy = await kit.sluice({
    config: { tenants: [tenant([server.address], { health: { passive: { statuses: [500] } }, circuit: { enabled: true, min_requests: 4, open_time: '300ms', trials: 1 } })] },
  });
  const client = await kit.connect(proxy.address('web'));
  for (let i = 0; i < 4; i += 1) assert.equal((await client.ask(get())).status, 500);
  for (let i = 0; i < 4; i += 1) assert.equal((await client.ask(get())).status, 503);
  assert.equal(server.seen.length, 4);
  sick = false;
  await sleep(350);
  for (let i = 0; i < 3; i += 1) assert.equal((await client.ask(get())).status, 200);
  assert.equal((await proxy.metrics()).sum('sluice_upstream_refused_total', { reason: 'circuit_open' }), 4);
});

scenario('a configured status is tried at another server, for idempotent requests without a body', async (kit) => {
  const busy = await kit.origin((_, response) => {
    response.statusCode = 503;
    response.end('busy');
  });
  const free = await kit.origin((_, response) => response.end('free'));
  const proxy = await kit.sluice({
    config: { tenants: [tenant([free.address, busy.address], { retry: { statuses: [503] }, health: { passive: { enabled: false } } })] },
  });
  const client = await kit.connect(proxy.address('web'));
  for (let i = 0; i < 4; i += 1) assert.equal((await client.ask(get())).text, 'free');
  assert.ok(busy.seen.length >= 2);
  const posts = [];
  for (let i = 0; i < 2; i += 1) posts.push((await client.ask('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx')).text);
  assert.deepEqual(posts.sort(), ['busy', 'free']);
});

scenario('the last answer is passed on when nobody is left to ask, and the budget bounds what is tried again', async (kit) => {
  const busy = await Promise.all([1, 2].map(async (n) => kit.origin((_, response) => {
    response.statusCode = 503;
    response.end(`busy ${n}`);
  })));
  const proxy = await kit.sluice({
    config: {
      tenants: [tenant(busy.map((b) => b.address), { retry: { statuses: [503], budget: 0.1, min_per_second: 0 }, health: { passive: { enabled: false } } })],
    },
  });
  const client = await kit.connect(proxy.address('web'));
  for (let i = 0; i < 40; i += 1) {
    const response = await client.ask(get());
    assert.equal(response.status, 503);
    assert.match(response.text, /^busy/);
  }
  assert.equal(busy[0]!.seen.length + busy[1]!.seen.length, 44);
  const metrics = await proxy.metrics();
  assert.equal(metrics.sum('sluice_upstream_retries_total'), 4);
  assert.equal(metrics.sum('sluice_upstream_retries_denied_total'), 36);
});

scenario('sluicectl upstreams shows every server: state, health, load and the last error', async (kit) => {
  const good = await kit.origin();
  const refuses = await dead(kit);
  const spare = await kit.origin();
  const proxy = await kit.sluice({
    config: {
      tenants: [tenant([good.address, refuses, spare.address], {
        server_options: { [spare.address]: { state: 'drain', weight: 7 } },
        health: { passive: { failures: 1, ejection_time: '1h', max_ejection_time: '1h' } },
      })],
    },
  });
  const client = await kit.connect(proxy.address('web'));
  for (let i = 0; i < 4; i += 1) assert.equal((await client.ask(get())).status, 200);
  const servers = await eventually('the table being written', async () => {
    const answer = JSON.parse((await proxy.ctl('--json', 'upstreams', '--upstream', 'origin')).stdout) as { upstreams: JsonObject[] };
    return answer.upstreams[0]?.['requests'] === 4 ? answer.upstreams : undefined;
  });
  assert.deepEqual(servers.map((s) => [s['server'], s['state'], s['health'], s['serving']]), [
    [good.address, 'active', 'well', true], [refuses, 'active', 'ejected', false], [spare.address, 'drain', 'well', false],
  ]);
  assert.equal(servers[0]!['idle'], 1);
  assert.equal(servers[1]!['last_error'], 'refused');
  assert.equal(servers[1]!['ejections'], 1);
  assert.equal(servers[2]!['weight'], 7);
  const text = (await proxy.ctl('upstreams')).stdout;
  assert.match(text, new RegExp(`main +origin +${refuses} +active +ejected +1 .* refused, \\d+s ago`));
  assert.equal((await proxy.ctl('--json', 'upstreams', '--tenant', 'nobody')).stdout.includes('server"'), false);
  assert.equal((await proxy.metrics()).sum('sluice_origin_response_seconds_count', { upstream: 'origin' }), 4);
});
