// Changes that need no new processes: workers, connections and pools stay, and every new request follows the new settings.
import { readFileSync } from 'node:fs';
import { assert, connect, eventually, reverse, scenario, sleep, type JsonObject, type Sluice } from '../kit/index.js';

const get = (path = '/'): string => `GET ${path} HTTP/1.1\r\nHost: web.test\r\n\r\n`;

function tenant(config: JsonObject): JsonObject {
  return (config['tenants'] as JsonObject[])[0] as JsonObject;
}
function web(config: JsonObject): JsonObject {
  return (tenant(config)['endpoints'] as JsonObject[])[0] as JsonObject;
}
function upstream(config: JsonObject): JsonObject {
  return (tenant(config)['upstreams'] as JsonObject[])[0] as JsonObject;
}

async function pids(proxy: Sluice): Promise<unknown[]> {
  return (await proxy.workers('main')).map((w) => w['pid']);
}

async function change(proxy: Sluice, how: (config: JsonObject) => void): Promise<JsonObject> {
  proxy.reconfigure(how);
  const record = await proxy.upgrade();
  assert.equal(record['outcome'], 'in_place', JSON.stringify(record));
  return record;
}

async function ask(proxy: Sluice, path = '/'): Promise<{ status: number; text: string }> {
  const client = await connect(proxy.address('web'));
  try {
    return await client.ask(get(path));
  } finally {
    client.close();
  }
}

scenario('routes change under load in the workers that run, without an error', async ({ sluice, origin }) => {
  const one = await origin((_, response) => void response.end('one'));
  const two = await origin((_, response) => void response.end('two'));
  const proxy = await sluice({ config: { tenants: [reverse([one.address], {}, { workers: 2 })] } });
  const before = await pids(proxy);
  let running = true;
  let asked = 0;
  const failures: string[] = [];
  const clients = Array.from({ length: 6 }, async () => {
    const client = await connect(proxy.address('web'));
    while (running) {
      try {
        const response = await client.ask(get());
        assert.equal(response.status, 200);
        assert.match(response.text, /^(one|two|fixed)$/);
        asked += 1;
      } catch (error) {
        failures.push((error as Error).message);
        break;
      }
      await sleep(2);
    }
    client.close();
  });
  for (let i = 0; i < 6; ++i) {
    const record = await change(proxy, (config) => {
      web(config)['routes'] = i % 3 === 0 ? [{ upstream: 'second' }] : i % 3 === 1 ? [{ respond: { status: 200, body: 'fixed' } }] : [{ upstream: 'origin' }];
      tenant(config)['upstreams'] = i % 3 === 0 ? [{ name: 'second', servers: [two.address] }, upstream(config)] : [{ name: 'origin', servers: [one.address] }];
    });
    assert.ok((record['changes'] as string[]).length > 0);
    const expected = ['two', 'fixed', 'one'][i % 3];
    for (let k = 0; k < 4; ++k) assert.equal((await ask(proxy)).text, expected);
  }
  running = false;
  await Promise.all(clients);
  assert.deepEqual(failures, []);
  assert.ok(asked > 50, `${asked} requests`);
  assert.deepEqual(await pids(proxy), before);
  assert.equal((await proxy.status())['generation'], 1);
});

scenario('a request goes on with the route it began with, and a tunnel-long answer too', async ({ sluice, origin, connect: open }) => {
  const slow = await origin((_, response) => void setTimeout(() => response.end('late'), 600));
  const proxy = await sluice({ config: { tenants: [reverse([slow.address], { routes: [{ upstream: 'origin', response_fields: { set: { 'X-Rule': 'old' } } }] })] } });
  const client = await open(proxy.address('web'));
  await client.send(get());
  await eventually('the request at its origin', () => slow.seen.length === 1 || undefined);
  await change(proxy, (config) => {
    web(config)['routes'] = [{ respond: { status: 418, body: 'new' } }];
    tenant(config)['upstreams'] = [];
  });
  const late = await client.readResponse();
  assert.equal(late.text, 'late');
  assert.equal(late.head.get('x-rule'), 'old');
  assert.equal((await client.ask(get())).status, 418);  // the same connection
});

scenario('servers that stay keep their connections, weights take effect, one that goes loses its idle connections', async ({ sluice, origin }) => {
  const a = await origin((_, response) => void response.end('a'));
  const b = await origin((_, response) => void response.end('b'));
  const proxy = await sluice({ config: { tenants: [reverse([a.address])] } });
  const client = await connect(proxy.address('web'));
  const counts = async (n: number): Promise<Record<string, number>> => {
    const seen: Record<string, number> = { a: 0, b: 0 };
    for (let i = 0; i < n; ++i) {
      const { text } = await client.ask(get());
      seen[text] = (seen[text] ?? 0) + 1;
    }
    return seen;
  };
  assert.deepEqual(await counts(5), { a: 5, b: 0 });
  const connects = async (): Promise<number> => (await proxy.metrics()).sum('sluice_origin_connects_total');
  assert.equal(await connects(), 1);

  await change(proxy, (config) => {
    upstream(config)['servers'] = [b.address, a.address];
    upstream(config)['server_options'] = { [a.address]: { weight: 3 } };
  });
  assert.deepEqual(await counts(40), { a: 30, b: 10 });
  assert.equal(await connects(), 2, 'only the new server was connected to');

  await change(proxy, (config) => { upstream(config)['server_options'] = { [a.address]: { weight: 1 } }; });
  assert.deepEqual(await counts(40), { a: 20, b: 20 });
  assert.equal(await connects(), 2);

  const idle = async (): Promise<string[]> =>
    ((await proxy.ctl('--json', 'upstreams')).stdout.match(/127\.0\.0\.1:\d+/g) ?? []);
  await change(proxy, (config) => {
    upstream(config)['servers'] = [a.address];
    delete upstream(config)['server_options'];
  });
  assert.deepEqual(await counts(10), { a: 10, b: 0 });
  assert.equal(await connects(), 2);
  assert.equal((await proxy.metrics()).sum('sluice_origin_connections_open'), 1);
  assert.ok(!(await idle()).includes(b.address), 'the server that is gone is still shown');
  client.close();
});

scenario('limits, times and the access log change in place', async ({ sluice, origin }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  for (let i = 0; i < 5; ++i) assert.equal((await ask(proxy)).status, 200);
  await change(proxy, (config) => { tenant(config)['limits'] = { source: { request_rate: 1, request_burst: 1 } }; });
  const statuses: number[] = [];
  for (let i = 0; i < 5; ++i) statuses.push((await ask(proxy)).status);
  assert.ok(statuses.filter((s) => s === 429).length >= 3, statuses.join(' '));
  await change(proxy, (config) => { delete tenant(config)['limits']; });
  for (let i = 0; i < 5; ++i) assert.equal((await ask(proxy)).status, 200);

  await change(proxy, (config) => {
    tenant(config)['access_log'] = { request_fields: ['x-now'] };
    web(config)['http'] = { head_limit: '1KiB', request_line_limit: '512B', keepalive_timeout: '300ms' };
  });
  const client = await connect(proxy.address('web'));
  await client.send('GET /logged HTTP/1.1\r\nHost: web.test\r\nX-Now: yes\r\n\r\n');
  assert.equal((await client.readResponse()).status, 200);
  const line = await proxy.log.waitFor('the line', (r) => r['event'] === 'request' && r['path'] === '/logged');
  assert.deepEqual(line['request_fields'], { 'x-now': 'yes' });
  const since = Date.now();
  await client.reader.closed();
  assert.ok(Date.now() - since < 2000, 'the new time does not hold');
  const large = await connect(proxy.address('web'));
  await large.send(`GET / HTTP/1.1\r\nHost: web.test\r\nX-Large: ${'x'.repeat(2000)}\r\n\r\n`);
  assert.equal((await large.readResponse()).status, 431);
  large.close();
});

scenario('a worker that is started again begins with the settings in force', async ({ sluice, origin }) => {
  const one = await origin((_, response) => void response.end('one'));
  const two = await origin((_, response) => void response.end('two'));
  const proxy = await sluice({ crashes: 'expected', config: { tenants: [reverse([one.address])] } });
  await change(proxy, (config) => { upstream(config)['servers'] = [two.address]; });
  const pid = (await proxy.workerPid('main')) as number;
  process.kill(pid, 'SIGKILL');
  await eventually('another worker', async () => {
    const now = await proxy.workerPid('main');
    return now !== undefined && now !== pid ? now : undefined;
  });
  assert.equal((await ask(proxy)).text, 'two');
});

scenario('what a worker cannot take over falls back to a new generation, and nothing is half changed', async ({ sluice, origin }) => {
  const one = await origin((_, response) => void response.end('one'));
  const proxy = await sluice({ config: { upgrade: { probation: '0s', drain: { idle: '500ms', request: '2s', upload: '2s', tunnel: '2s' } }, tenants: [reverse([one.address], {}, { workers: 2 })] } });
  const before = await pids(proxy);
  proxy.reconfigure((config) => {
    // a list of another length is one change; that the new upstream wants addresses of its own only the worker sees
    (tenant(config)['upstreams'] as JsonObject[]).push({ name: 'other', servers: [one.address], source_addresses: ['127.0.0.1'] });
  });
  const record = await proxy.upgrade();
  assert.equal(record['outcome'], 'done', JSON.stringify(record));
  await proxy.log.waitFor('the reason', (r) => r['event'] === 'not in place' && String(r['why']).includes('source_addresses'));
  assert.notDeepEqual(await pids(proxy), before);
  assert.equal((await ask(proxy)).text, 'one');
});

scenario('a worker that does not answer falls back to a new generation', async ({ sluice, origin }) => {
  const one = await origin((_, response) => void response.end('one'));
  const two = await origin((_, response) => void response.end('two'));
  const proxy = await sluice({
    crashes: 'expected',
    config: {
      upgrade: { probation: '0s', drain: { idle: '300ms', request: '300ms', upload: '300ms', tunnel: '300ms', flow: '300ms' } },
      restart_policy: { ready_timeout: '1s' },
      tenants: [reverse([one.address], {}, { workers: 2 })],
    },
  });
  const [first] = (await pids(proxy)) as number[];
  process.kill(first as number, 'SIGSTOP');
  proxy.reconfigure((config) => { upstream(config)['servers'] = [two.address]; });
  const record = await proxy.upgrade();
  assert.equal(record['outcome'], 'done', JSON.stringify(record));
  for (let i = 0; i < 4; ++i) assert.equal((await ask(proxy)).text, 'two');
});

scenario('fifty changes in a row leave nothing behind', async ({ sluice, origin }) => {
  const servers = await Promise.all([0, 1, 2].map((i) => origin((_, response) => void response.end(String(i)))));
  const proxy = await sluice({ config: { tenants: [reverse([servers[0]?.address ?? ''])] } });
  const turn = async (i: number): Promise<void> => {
    await change(proxy, (config) => {
      upstream(config)['servers'] = [servers[i % 3]?.address ?? '', servers[(i + 1) % 3]?.address ?? ''];
      upstream(config)['health'] = { active: { enabled: i % 2 === 0, interval: '100ms' } };
      web(config)['routes'] = [{ path: '/', upstream: 'origin', response_fields: { set: { 'X-Turn': String(i) } } }];
    });
    const client = await connect(proxy.address('web'));
    for (let k = 0; k < 4; ++k) {
      const response = await client.ask(get());
      assert.equal(response.head.get('x-turn'), String(i));
    }
    client.close();
  };
  const pid = (await proxy.workerPid('main')) as number;
  const memory = (): number => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  // what the sampler has seen since
  const frames = async (): Promise<number> => {
    await sleep(1500);
    return (await proxy.metrics()).sum('sluice_coroutine_frames', { tenant: 'main' });
  };
  for (let i = 0; i < 24; ++i) await turn(i);
  const before = { frames: await frames(), descriptors: proxy.descriptors(), memory: memory() };
  for (let i = 24; i < 74; ++i) await turn(i);
  const after = { frames: await frames(), descriptors: proxy.descriptors(), memory: memory() };
  const both = `${JSON.stringify(before)}, then ${JSON.stringify(after)}`;
  assert.ok(before.frames > 0 && after.frames <= before.frames + 4, both);
  assert.ok(after.descriptors <= before.descriptors + 2, both);
  // a sanitizer keeps what has been freed
  if (process.env['SLUICE_SANITIZED'] !== '1') assert.ok(after.memory <= before.memory + 1024, both);
});
