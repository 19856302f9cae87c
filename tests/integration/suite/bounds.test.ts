// What must stay bounded: memory with slow readers and idle connections, descriptors over many connections.
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { assert, connect, eventually, residentBytes, reverse, scenario, sleep, type Connection, type Sluice } from '../kit/index.js';

const get = 'GET / HTTP/1.1\r\nHost: web.test\r\n\r\n';
const sanitized = process.env['SLUICE_SANITIZED'] === '1';

async function memory(sluice: Sluice): Promise<number> {
  return (await sluice.workers('main')).reduce((sum, w) => sum + residentBytes(w['pid'] as number), 0);
}

scenario('a gigabyte through a slow reader costs a few blocks of memory', async ({ sluice, scripted, connect }) => {
  const total = 1 << 30;
  const server = await scripted(async (c) => {
    await c.readRequest();
    await c.send(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
    const block = Buffer.alloc(1 << 20);
    for (let sent = 0; sent < total; sent += block.length) await c.send(block);
    await c.reader.closed();
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const reader = await connect(proxy.address('web'));
  const before = await memory(proxy);
  await reader.send(get);
  await reader.reader.until('\r\n\r\n');
  let received = 0;
  let peak = 0;
  while (received < total) {
    const chunk = await reader.reader.some('the body');
    assert.ok(chunk !== undefined, `the body ended after ${received} bytes`);
    const from = received >> 26;
    received += chunk.length;
    if (received >> 26 !== from) {
      await sleep(20);  // the reader dozes off now and then
      peak = Math.max(peak, await memory(proxy));
    }
  }
  assert.equal(received, total);
  assert.ok(peak - before < (sanitized ? 256 : 16) << 20, `grew by ${(peak - before) >> 20} MiB`);
}, { timeout: 120_000, skip: sanitized ? 'a question of speed and memory: not for sanitizer builds' : undefined });

scenario('idle connections hold no buffers', async ({ sluice, origin, after }) => {
  const count = 1500;
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address], { http: { keepalive_timeout: '5m', head_timeout: '5m' } })] } });
  const clients: Connection[] = [];
  after(() => clients.forEach((c) => c.close()));
  const open = async (n: number): Promise<void> => {
    for (let i = 0; i < n; i += 1) {
      const client = await connect(proxy.address('web'));
      await client.ask(get);
      clients.push(client);
    }
  };
  await open(200);  // warm
  const before = await memory(proxy);
  await open(count);
  const each = (await memory(proxy) - before) / count;
  assert.ok(each < 6 * 1024, `an idle connection costs ${Math.round(each)} bytes`);
}, { timeout: 60_000, skip: sanitized ? 'sanitizers make every allocation bigger' : undefined });

scenario('thousands of connections leave no descriptor behind', async ({ sluice, origin }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const round = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 1) {
      const client = await connect(proxy.address('web'));
      if (i % 4 === 0) await client.send('GET / HTT');
      else if (i % 4 === 1) await client.send(get);
      else await client.ask(get);
      if (i % 3 === 0) client.reset();
      else client.close();
    }
  };
  await round(200);
  const settled = (): number => proxy.descriptors();
  await sleep(300);
  const before = settled();
  await round(3000);
  // idle pooled origin connections may differ by a few
  await eventually('the descriptors being closed', () => settled() <= before + 8);
}, { timeout: 60_000 });

const held = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** Why the kernel's memory limit cannot be tried here; undefined when it can. */
function noMemoryGroups(): string | undefined {
  if (sanitized) return 'a sanitizer needs more memory than the limit';
  if (process.getuid?.() !== 0) return 'needs root';
  try {
    if (existsSync('/sys/fs/cgroup/memory')) accessSync('/sys/fs/cgroup/memory', constants.W_OK);
    else if (!readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').includes('memory')) return 'no memory controller';
    return undefined;
  } catch (error) {
    return `no control groups: ${String(error)}`;
  }
}

scenario('a tenant that runs out of memory loses its worker, nobody else notices, and it recovers', async ({ sluice, origin, after }) => {
  const server = await origin();
  const hungry = { name: 'hungry', limits: { memory: '24MiB', connections: 4000 } };
  const proxy = await sluice({
    crashes: 'expected',
    config: {
      restart_policy: { backoff_min: '20ms', backoff_max: '100ms' },
      tenants: [reverse([server.address]), { ...reverse([server.address], { name: 'eats', http: { head_limit: '128KiB', head_timeout: '60s' } }), ...hungry }],
    },
  });
  const neighbour = await connect(proxy.address('web'));
  const before = { descriptors: held(proxy.pid), neighbours: (await proxy.workers('main')).map((w) => w['pid']).join() };
  const heads: Connection[] = [];
  after(() => heads.forEach((c) => { c.close(); }));
  const part = `GET / HTTP/1.1\r\nHost: web.test\r\nX: ${'x'.repeat(60_000)}`;
  const died = proxy.log.waitFor('the end of the hungry worker', (r) => String(r['why']).includes('out of memory (limits.memory)'));
  let ended = false;
  void died.then(() => { ended = true; });
  for (let i = 0; i < 2000 && !ended; i += 1) {
    const connection = await connect(proxy.address('eats')).catch(() => undefined);
    if (connection === undefined) break;
    heads.push(connection);
    await connection.send(part).catch(() => undefined);
    if (i % 20 === 0) assert.equal((await neighbour.ask(get)).status, 200);
  }
  await died;
  heads.forEach((c) => { c.close(); });
  await eventually('recovery', async () => {
    const client = await connect(proxy.address('eats'));
    const status = await client.ask(get).then((r) => r.status, () => 0);
    client.close();
    return status === 200;
  });
  assert.equal((await neighbour.ask(get)).status, 200, 'the same connection still');
  neighbour.close();
  assert.equal((await proxy.workers('main')).map((w) => w['pid']).join(), before.neighbours);
  await eventually('no descriptor left over', () => held(proxy.pid) <= before.descriptors);
}, { timeout: 60_000, skip: noMemoryGroups() });
