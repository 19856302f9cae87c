// Hand-over: tunnels and idle connections go on in the new workers, byte for byte, and the old ones are gone within
// seconds.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  assert, binaries, connect, connectThrough, descriptorKinds, eventually, forward, noMoreDescriptors, reverse, scenario, sleep, websocket,
  type Connection, type JsonObject, type Sluice,
} from '../kit/index.js';

const withoutFaultPoints = readFileSync(join(binaries, 'sluice')).includes('SLUICE_FAULT_FILE') ? undefined : 'built without fault points';
const get = (path = '/'): string => `GET ${path} HTTP/1.1\r\nHost: web.test\r\n\r\n`;

// budgets that no scenario would live through: what moves does not wait for them
const soon = { probation: '0s', drain: { idle: '10m', request: '10s', upload: '10s', tunnel: '1h' } };

function ledger(record: JsonObject, kind: string): Record<string, number> {
  return (record['ledger'] as JsonObject)[kind] as Record<string, number>;
}

function assertBalances(record: JsonObject): void {
  assert.equal(record['outcome'], 'done', JSON.stringify(record));
  for (const kind of ['connections', 'requests', 'tunnels']) {
    const row = ledger(record, kind);
    for (const bad of ['unexplained', 'crashed', 'cut']) assert.equal(row[bad], 0, `${kind}: ${JSON.stringify(row)}`);
  }
}

/** Upgrades; the old workers must end within seconds. */
async function upgrade(proxy: Sluice): Promise<JsonObject> {
  const since = Date.now();
  const record = await proxy.upgrade({ force: true });
  assert.ok(Date.now() - since < 8000, `the old workers needed ${Date.now() - since} ms`);
  assertBalances(record);
  return record;
}

/** Pseudo-random bytes that are cheap to make, and their digest. */
function* noise(seed: number, size: number): Generator<Buffer> {
  let state = seed >>> 0 || 1;
  for (let left = size; left > 0;) {
    const block = Buffer.allocUnsafe(Math.min(left, 16384));
    for (let i = 0; i < block.length; ++i) {
      state ^= state << 13; state ^= state >>> 17; state ^= state << 5;
      block[i] = state & 0xff;
    }
    left -= block.length;
    yield block;
  }
}

async function pour(to: Connection, seed: number, size: number): Promise<string> {
  const digest = createHash('sha256');
  for (const block of noise(seed, size)) {
    digest.update(block);
    await to.send(block);
  }
  return digest.digest('hex');
}

async function drink(from: Connection, size: number, pause?: () => Promise<void>): Promise<string> {
  const digest = createHash('sha256');
  for (let left = size; left > 0;) {
    const bytes = await from.reader.some();
    assert.ok(bytes !== undefined, `the stream ended with ${left} bytes to come`);
    assert.ok(bytes.length <= left, 'more bytes than were sent');
    digest.update(bytes);
    left -= bytes.length;
    if (pause !== undefined) await pause();
  }
  return digest.digest('hex');
}

const echoing = async (c: Connection): Promise<void> => {
  for (;;) {
    const bytes = await c.reader.some('something', 20_000);
    if (bytes === undefined) return c.end();
    await c.send(bytes);
  }
};

scenario('an idle connection goes on in the new worker, any number of times', async ({ sluice, origin, connect: open }) => {
  const server = await origin();
  const proxy = await sluice({ config: { upgrade: soon, tenants: [reverse([server.address])] } });
  const client = await open(proxy.address('web'));
  assert.equal((await client.ask(get('/before'))).status, 200);
  const fresh = await open(proxy.address('web'));  // has not asked anything yet
  for (let i = 0; i < 5; ++i) {
    const record = await upgrade(proxy);
    assert.deepEqual({ open: ledger(record, 'connections')['open'], moved: ledger(record, 'connections')['handed_over'] }, { open: 2, moved: 2 });
    const response = await client.ask(get(`/after${i}`));
    assert.equal(response.status, 200);
    assert.equal(response.head.get('connection'), undefined);
  }
  assert.equal((await fresh.ask(get())).status, 200);
  await proxy.log.waitFor('the last line', (r) => r['event'] === 'request' && r['path'] === '/');
  const lines = proxy.log.all((r) => r['event'] === 'request');
  const ids = new Set(lines.filter((r) => String(r['path']).startsWith('/after') || r['path'] === '/before').map((r) => r['connection']));
  assert.equal(ids.size, 1, 'its id changed');
  assert.deepEqual(lines.filter((r) => String(r['path']).startsWith('/after')).map((r) => r['request']), [2, 3, 4, 5, 6]);
  const metrics = await proxy.metrics();
  assert.equal(metrics.sum('sluice_connections_accepted_total', { tenant: 'main' }), 2);
  assert.equal(metrics.sum('sluice_connections_open', { tenant: 'main' }), 2);
  assert.equal(metrics.sum('sluice_connections_handed_over_total', { tenant: 'main', what: 'idle' }), 10);
}, { timeout: 90_000 });

scenario('a tunnel outlives the worker that opened it, any number of times', async ({ sluice, scripted, connect: open }) => {
  const echo = await scripted(echoing);
  const proxy = await sluice({ config: { upgrade: soon, tenants: [forward({ connect: { ports: [] } })] } });
  const tunnel = await open(proxy.address('proxy'));
  assert.equal((await connectThrough(tunnel, echo.address)).status, 200);
  let bytes = 0;
  const ping = async (): Promise<void> => {
    await tunnel.send('ping');
    assert.equal((await tunnel.reader.exactly(4)).toString(), 'ping');
    bytes += 4;
  };
  await ping();
  const since = Date.now();
  for (let i = 0; i < 5; ++i) {
    const before = await proxy.workerPid('main');
    const upgraded = upgrade(proxy);
    let done = false;
    upgraded.then(() => { done = true; }, () => { done = true; });
    while (!done) {
      await ping();  // as a session of SSH does
      await sleep(5);
    }
    const record = await upgraded;
    assert.equal(ledger(record, 'tunnels')['handed_over'], 1);
    assert.equal(ledger(record, 'connections')['handed_over'], 1);
    assert.notEqual(await proxy.workerPid('main'), before);
  }
  await ping();
  const listed = JSON.parse((await proxy.ctl('connections', '--tenant', 'main', '--json')).stdout) as JsonObject;
  const shown = (listed['connections'] as JsonObject[])[0] as JsonObject;
  assert.equal(shown['state'], 'tunnel', JSON.stringify(shown));
  assert.equal(shown['bytes_in'], bytes, JSON.stringify(shown));
  await tunnel.end();
  await tunnel.reader.toEnd();
  await eventually('the log line', () => proxy.log.all((r) => r['event'] === 'tunnel').length > 0 || undefined);
  await sleep(200);
  const lines = proxy.log.all((r) => r['event'] === 'tunnel');
  assert.equal(lines.length, 1, 'one line, by the last owner');
  const line = lines[0] as JsonObject;
  assert.equal(line['bytes_in'], bytes);
  assert.equal(line['bytes_out'], bytes);
  assert.equal(line['status'], 200);
  assert.equal(line['method'], 'CONNECT');
  assert.equal(line['authority'], echo.address);
  assert.equal(line['origin'], echo.address);
  assert.equal(line['ended'], 'ok');
  assert.equal(line['reason'], 'finished');
  assert.ok((line['duration_us'] as number) / 1000 >= Date.now() - since - 2000, `duration ${String(line['duration_us'])} us`);
  const metrics = await proxy.metrics();
  assert.equal(metrics.sum('sluice_tunnels_opened_total', { tenant: 'main' }), 1);
  assert.equal(metrics.sum('sluice_tunnels_open', { tenant: 'main' }), 0);
  assert.equal(metrics.sum('sluice_requests_open', { tenant: 'main' }), 0);
  assert.equal(metrics.sum('sluice_connections_open', { tenant: 'main' }), 0);
  assert.equal(metrics.sum('sluice_origin_connections_open', { tenant: 'main' }), 0);
  assert.equal(metrics.sum('sluice_tunnel_received_bytes_total', { tenant: 'main' }), bytes);
  assert.equal(metrics.sum('sluice_requests_total', { tenant: 'main' }), 1);
}, { timeout: 90_000 });

scenario('a busy transfer both ways is byte for byte the same through upgrades', async ({ sluice, scripted, connect: open }) => {
  const size = 48 << 20;
  const results: Promise<string>[] = [];
  const poured: Promise<string>[] = [];
  const server = await scripted(async (c, index) => {
    poured.push(pour(c, 1000 + index, size));
    results.push(drink(c, size));
    await Promise.all([poured.at(-1), results.at(-1)]);
    await sleep(60_000);
  });
  const proxy = await sluice({ config: { upgrade: soon, tenants: [forward({ connect: { ports: [] } })] } });
  const tunnel = await open(proxy.address('proxy'));
  await connectThrough(tunnel, server.address);
  let running = true;
  const up = pour(tunnel, 7, size);
  const down = drink(tunnel, size);
  const transfer = Promise.all([up, down]).finally(() => { running = false; });
  let upgrades = 0;
  while (running) {
    await upgrade(proxy);
    ++upgrades;
  }
  await transfer;
  assert.ok(upgrades >= 3, `${upgrades} upgrades`);
  assert.equal(await results[0], await up, 'to the origin');
  assert.equal(await down, await poured[0], 'to the client');
}, { timeout: 120_000 });

scenario('a slow reader, a half-closed tunnel and a WebSocket move with all they hold', async ({ sluice, scripted, connect: open }) => {
  const size = 6 << 20;
  const sent: Promise<string>[] = [];
  const bulk = await scripted(async (c) => {
    sent.push(pour(c, 5, size));
    await c.reader.toEnd();
    await sent[0];
    await c.end();
  });
  const late = await scripted(async (c) => {
    const heard = (await c.reader.toEnd()).toString();
    await c.reader.closed().catch(() => undefined);
    await sleep(1500);
    await c.send(`heard ${heard}`);
    await c.end();
  });
  const socket = await scripted(async (c) => {
    await websocket.acceptUpgrade(c);
    for (;;) {
      const frame = await websocket.readFrame(c);
      await c.send(websocket.encodeFrame(frame.opcode, frame.payload, 'plain'));
    }
  });
  const proxy = await sluice({
    config: { upgrade: soon, tenants: [forward({ connect: { ports: [] } }), reverse([socket.address], {}, { name: 'sockets' })] },
  });
  const slow = await open(proxy.address('proxy'));
  await connectThrough(slow, bulk.address);
  slow.socket.pause();
  const half = await open(proxy.address('proxy'));
  await connectThrough(half, late.address);
  await half.send('all I say');
  await half.end();
  const frames = await open(proxy.address('web'));
  assert.equal((await websocket.upgrade(frames, 'web.test')).status, 101);
  await sleep(500);
  for (let i = 0; i < 3; ++i) {
    const record = await upgrade(proxy);
    assert.ok((ledger(record, 'tunnels')['handed_over'] ?? 0) >= 2, JSON.stringify(record['ledger']));
    await frames.send(websocket.encodeFrame(websocket.opcodes.text, `round ${i}`, 'masked'));
    assert.equal((await websocket.readFrame(frames)).payload.toString(), `round ${i}`);
  }
  assert.equal((await half.reader.toEnd()).toString(), 'heard all I say');
  slow.socket.resume();
  const got = drink(slow, size);
  await slow.end();
  assert.equal(await got, await sent[0]);
  assert.equal((await slow.reader.toEnd()).length, 0);
}, { timeout: 90_000 });

scenario('a thousand idle connections move through five upgrades; no descriptor is left behind', async ({ sluice, origin }) => {
  const server = await origin();
  const proxy = await sluice({ config: { upgrade: soon, tenants: [reverse([server.address], {}, { workers: 2 })] } });
  const clients = await Promise.all(Array.from({ length: 1000 }, () => connect(proxy.address('web'))));
  try {
    for (const client of clients) await client.send(get('/warm'));
    for (const client of clients) assert.equal((await client.readResponse()).status, 200);
    const supervisor = proxy.pid;
    let before: Record<string, number> = {};
    for (let i = 0; i < 5; ++i) {
      const record = await upgrade(proxy);
      assert.equal(ledger(record, 'connections')['handed_over'], 1000);
      if (i === 0) before = descriptorKinds(supervisor);  // from now on every slot has its two slabs
    }
    for (const client of clients) await client.send(get('/again'));
    for (const client of clients) {
      const response = await client.readResponse();
      assert.equal(response.status, 200);
      assert.equal(response.head.get('connection'), undefined);
    }
    await noMoreDescriptors(supervisor, before);
    const metrics = await proxy.metrics();
    assert.equal(metrics.sum('sluice_connections_accepted_total', { tenant: 'main' }), 1000);
    assert.equal(metrics.sum('sluice_connections_open', { tenant: 'main' }), 1000);
  } finally {
    clients.forEach((client) => client.close());
  }
}, { timeout: 120_000 });

scenario('requests keep coming on kept connections through upgrades, and none is told to close', async ({ sluice, origin }) => {
  const server = await origin((request, response) => { request.resume().on('end', () => response.end('ok')); });
  const proxy = await sluice({ config: { upgrade: soon, tenants: [reverse([server.address], {}, { workers: 2 })] } });
  let running = true;
  let asked = 0;
  const failures: string[] = [];
  const clients = Array.from({ length: 8 }, async (_, i) => {
    const client = await connect(proxy.address('web'));
    try {
      while (running) {
        // two at once, now and then: the second has been read when the first is answered
        const pair = i % 2 === 0;
        await client.send(pair ? get('/a') + get('/b') : get('/c'));
        for (let n = pair ? 2 : 1; n > 0; --n) {
          const response = await client.readResponse();
          assert.equal(response.status, 200);
          assert.equal(response.head.get('connection'), undefined);
          ++asked;
        }
        if (i > 4) await sleep(3);
      }
    } catch (error) {
      failures.push((error as Error).message);
    } finally {
      client.close();
    }
  });
  for (let i = 0; i < 4; ++i) await upgrade(proxy);
  running = false;
  await Promise.all(clients);
  assert.deepEqual(failures, []);
  assert.ok(asked > 100, `${asked} requests`);
}, { timeout: 90_000 });

scenario('what the new configuration has no place for stays and drains', async ({ sluice, origin, scripted, connect: open }) => {
  const server = await origin();
  const echo = await scripted(echoing);
  const proxy = await sluice({
    config: {
      upgrade: { ...soon, handover: { idle: false }, drain: { ...soon.drain, idle: '1s' } },
      tenants: [reverse([server.address]), forward({ connect: { ports: [] } }, { name: 'tunnels' })],
    },
  });
  const idle = await open(proxy.address('web'));
  assert.equal((await idle.ask(get())).status, 200);
  const tunnel = await open(proxy.address('proxy'));
  await connectThrough(tunnel, echo.address);
  const record = await proxy.upgrade({ force: true });
  assert.equal(ledger(record, 'connections')['handed_over'], 1);
  assert.equal(ledger(record, 'connections')['cut'], 1);
  await idle.reader.closed();
  await tunnel.send('ping');
  assert.equal((await tunnel.reader.exactly(4)).toString(), 'ping');

  proxy.reconfigure((config) => {
    const tenants = config['tenants'] as JsonObject[];
    ((tenants[1]?.['endpoints'] as JsonObject[])[0] as JsonObject)['name'] = 'renamed';
    (config['upgrade'] as JsonObject)['drain'] = { ...soon.drain, tunnel: '1s' };
  });
  const renamed = await proxy.upgrade();
  assert.equal(ledger(renamed, 'tunnels')['cut'], 1, JSON.stringify(renamed['ledger']));
  const stays = await proxy.log.waitFor('the refusal', (r) => r['event'] === 'connection stays');
  assert.match(String(stays['why']), /no endpoint of that name/);
  await assert.rejects(tunnel.reader.exactly(1));
}, { timeout: 60_000 });

scenario('what an application knows of a connection goes along, or the connection stays', async ({ sluice, origin, connect: open }) => {
  const server = await origin((request, response) => void setTimeout(() => response.end('ok'), request.url === '/slow' ? 1500 : 0));
  const proxy = await sluice({
    application: 'visit_counter',
    config: { upgrade: { ...soon, drain: { ...soon.drain, idle: '1s' } }, tenants: [reverse([server.address], {}, { settings: { most_moved: 3 } })] },
  });
  const client = await open(proxy.address('web'));
  assert.equal((await client.ask(get())).head.get('visits'), '1');
  for (const visits of ['2', '3']) {
    const record = await upgrade(proxy);
    assert.equal(ledger(record, 'connections')['handed_over'], 1);
    assert.equal((await client.ask(get())).head.get('visits'), visits);
  }
  assert.equal((await client.ask(get())).head.get('visits'), '4');
  const busy = await open(proxy.address('web'));
  await busy.send(get('/slow'));
  await sleep(100);
  const upgraded = proxy.upgrade({ force: true });
  await eventually('the busy connection in the listing', async () => {
    const listed = JSON.parse((await proxy.ctl('connections', '--tenant', 'main', '--json')).stdout) as JsonObject;
    return (listed['connections'] as JsonObject[]).some((row) => row['stays_for'] === 'request in flight') || undefined;
  });
  const record = await upgraded;
  assert.equal(ledger(record, 'connections')['cut'], 1);  // the one with too many visits
  assert.equal(ledger(record, 'connections')['handed_over'], 1);  // the busy one, behind its answer
  await client.reader.closed();
  assert.equal((await busy.readResponse()).head.get('visits'), '1');
  const stays = await proxy.log.waitFor('the refusal', (r) => r['event'] === 'connection stays');
  assert.match(String(stays['why']), /too many visits/);
}, { timeout: 60_000 });

scenario('what an application keeps for a worker goes to the next generation, whatever number of workers that has', async ({ sluice, origin }) => {
  const server = await origin();
  const proxy = await sluice({
    application: 'visit_counter', crashes: 'expected',
    config: { upgrade: soon, tenants: [reverse([server.address], {}, { workers: 1 })] },
  });
  let asked = 0;
  const ask = async (): Promise<number> => {
    const client = await connect(proxy.address('web'));
    const response = await client.ask(get());
    client.close();
    asked += 1;
    return Number(response.head.get('visits-of-worker'));
  };
  const resize = async (workers: number): Promise<void> => {
    proxy.reconfigure((config) => { ((config['tenants'] as JsonObject[])[0] as JsonObject)['workers'] = workers; });
    assert.equal((await proxy.upgrade({ until: 'probation' }))['outcome'], 'done');
  };
  assert.equal(await ask(), 1);
  await resize(3);
  for (let i = 0; i < 12; ++i) await ask();
  await resize(1);
  assert.equal(await ask(), asked);
  await proxy.upgrade({ force: true, until: 'probation' });
  assert.equal(await ask(), asked);

  const hung = await eventually('the worker', async () =>
    (await proxy.workers('main')).find((w) => w['generation'] === 4 && w['state'] === 'ready')?.['pid'] as number | undefined);
  process.kill(hung, 'SIGSTOP');
  assert.equal((await proxy.upgrade({ force: true, until: 'probation' }))['outcome'], 'done');
  await proxy.log.waitFor('its silence', (r) => r['event'] === 'parent state lost' && r['why'] === 'no answer');
  assert.equal(await ask(), 1);
  process.kill(hung, 'SIGKILL');
}, { timeout: 60_000 });

scenario('a new worker that hangs stalls nobody, and gets the tunnel when it is back', async ({ sluice, scripted, connect: open }) => {
  const echo = await scripted(echoing);
  const proxy = await sluice({
    crashes: 'expected',
    config: { upgrade: { ...soon, probation: '1s' }, tenants: [forward({ connect: { ports: [] } })] },
  });
  const tunnel = await open(proxy.address('proxy'));
  await connectThrough(tunnel, echo.address);
  const ping = async (): Promise<void> => {
    await tunnel.send('ping');
    assert.equal((await tunnel.reader.exactly(4)).toString(), 'ping');
  };
  const upgraded = proxy.upgrade({ force: true });
  const fresh = await eventually('the new worker', async () =>
    (await proxy.workers('main')).find((w) => w['generation'] === 2 && w['state'] === 'ready'));
  process.kill(fresh['pid'] as number, 'SIGSTOP');
  await proxy.log.waitFor('the drain', (r) => r['event'] === 'draining' && r['tenant'] === 'main');
  for (let i = 0; i < 40; ++i) {
    await ping();  // who has been handed over to the one that hangs gets no answer before it is over
    await sleep(5);
  }
  process.kill(fresh['pid'] as number, 'SIGCONT');
  const record = await upgraded;
  await ping();
  assertBalances(record);
  assert.equal(ledger(record, 'tunnels')['handed_over'], 1, JSON.stringify(record['ledger']));
  assert.deepEqual(proxy.log.all((r) => r['event'] === 'connection stays'), []);
}, { timeout: 60_000 });

scenario('a new worker that hangs with an offer in its hands leaves everything where it was, byte for byte', async ({ sluice, scripted, connect: open }) => {
  const echo = await scripted(echoing);
  const proxy = await sluice({
    crashes: 'expected', env: { SLUICE_FAULTS: 'worker.take_over@2=stop' },
    config: { upgrade: { ...soon, drain: { ...soon.drain, tunnel: '1m', spread: 0 } }, tenants: [forward({ connect: { ports: [] } })] },
  });
  const tunnel = await open(proxy.address('proxy'));
  await connectThrough(tunnel, echo.address);
  const upgraded = proxy.upgrade({ force: true });
  let said = '';
  let stays: JsonObject | undefined;
  for (let i = 0; i < 10 || stays === undefined; ++i) {
    const word = `word ${i};`;
    said += word;
    await tunnel.send(word);
    await sleep(20);
    stays = proxy.log.all((r) => r['event'] === 'connection stays')[0];
  }
  assert.equal(stays['what'], 'tunnel');
  assert.equal((await tunnel.reader.exactly(said.length)).toString(), said);
  await tunnel.end();
  assert.equal((await tunnel.reader.toEnd()).length, 0);
  const record = await upgraded;
  assertBalances(record);
  assert.equal(ledger(record, 'tunnels')['finished'], 1, JSON.stringify(record['ledger']));
  process.kill(await proxy.workerPid('main') as number, 'SIGKILL');  // it would hang to the end
}, { timeout: 60_000, skip: withoutFaultPoints });

scenario('a generation that is taken back hands over to the one that serves again', async ({ sluice, origin, connect: open }) => {
  const server = await origin();
  const proxy = await sluice({
    crashes: 'expected',
    config: { upgrade: { ...soon, probation: '20s', probation_crashes: 2 }, tenants: [reverse([server.address], {}, { workers: 2 })] },
  });
  const upgraded = proxy.upgrade({ force: true });
  await eventually('the switch', async () => (await proxy.status())['generation'] === 2 || undefined);
  const clients = await Promise.all(Array.from({ length: 20 }, () => open(proxy.address('web'))));
  for (const client of clients) assert.equal((await client.ask(get())).status, 200);
  for (let crash = 0; crash < 2; ++crash) {
    const victim = await eventually('a new worker', async () =>
      (await proxy.workers('main')).find((w) => w['generation'] === 2 && w['worker'] === 0 && w['state'] === 'ready' && w['restarts'] === crash)
      ?? (await proxy.workers('main')).find((w) => w['generation'] === 2 && w['index'] === 0 && w['state'] === 'ready' && w['restarts'] === crash));
    process.kill(victim['pid'] as number, 'SIGKILL');
  }
  const record = await upgraded;
  assert.equal(record['outcome'], 'rolled_back');
  const row = ledger(record, 'connections');
  assert.equal(row['unexplained'], 0);
  let alive = 0;
  for (const client of clients) {
    await client.ask(get('/back')).then((response) => { if (response.status === 200) ++alive; }, () => undefined);
  }
  assert.ok(alive > 0, 'no connection of the other worker');
  assert.equal(alive, row['handed_over'], JSON.stringify(row));
}, { timeout: 60_000 });

scenario('what a load balancer has said of the client, its share and its number of requests go along', async ({ sluice, origin, connect: open }) => {
  const server = await origin();
  const proxy = await sluice({
    config: {
      upgrade: soon,
      tenants: [reverse(
        [server.address], { proxy_protocol: { enabled: true, trusted: ['127.0.0.1/32'] }, http: { requests_per_connection: 3 } },
        { limits: { source: { connections: 1 } } })],
    },
  });
  const greeting = 'PROXY TCP4 203.0.113.7 198.51.100.2 4711 443\r\n';
  const client = await open(proxy.address('web'));
  await client.send(greeting + get('/one'));
  assert.equal((await client.readResponse()).status, 200);
  await upgrade(proxy);
  assert.equal((await client.ask(get('/two'))).status, 200);
  const second = await open(proxy.address('web'));
  await second.send(greeting + get('/no'));
  await second.reader.closed();  // the one that has moved counts
  const other = await open(proxy.address('web'));
  await other.send(greeting.replace('203.0.113.7', '203.0.113.8') + get('/other'));
  assert.equal((await other.readResponse()).status, 200);
  await upgrade(proxy);
  const last = await client.ask(get('/three'));
  assert.equal(last.head.get('connection')?.toLowerCase(), 'close');
  await client.reader.closed();
  const lines = await eventually('the log', () => {
    const found = proxy.log.all((r) => r['event'] === 'request' && ['/one', '/two', '/three'].includes(String(r['path'])));
    return found.length === 3 ? found : undefined;
  });
  assert.deepEqual(lines.map((r) => r['client']), Array(3).fill('203.0.113.7:4711'));
  assert.deepEqual(lines.map((r) => r['request']), [1, 2, 3]);
});
