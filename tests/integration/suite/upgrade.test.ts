// Upgrades under load: nothing that a client has or makes is lost, and the ledger knows what became of it.
import { createServer } from 'node:net';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, binaries, connect, connectThrough, control, eventually, forward, Load, reverse, scenario, sleep, type JsonObject } from '../kit/index.js';

const get = (path = '/'): string => `GET ${path} HTTP/1.1\r\nHost: web.test\r\n\r\n`;
const once = 'GET / HTTP/1.1\r\nHost: web.test\r\nConnection: close\r\n\r\n';

const soon = { probation: '0s', drain: { idle: '2s', request: '5s', upload: '5s', tunnel: '5s' } };
const staying = { ...soon, handover: { enabled: false } };

function tenant(config: JsonObject, index = 0): JsonObject {
  return (config['tenants'] as JsonObject[])[index] as JsonObject;
}

function ledger(record: JsonObject, kind: string): Record<string, number> {
  return (record['ledger'] as JsonObject)[kind] as Record<string, number>;
}

function assertBalances(record: JsonObject): void {
  for (const kind of ['connections', 'requests', 'tunnels']) {
    const row = ledger(record, kind);
    assert.equal(row['unexplained'], 0, `${kind}: ${JSON.stringify(row)}`);
    assert.equal(row['crashed'], 0, `${kind}: ${JSON.stringify(row)}`);
  }
}

scenario('requests, idle connections and tunnels that are open at the switch end as they should', async ({ sluice, origin, scripted, connect: open }) => {
  const slow = await origin((request, response) => void setTimeout(() => response.end('late'), request.url === '/slow' ? 800 : 0));
  const echo = await scripted(async (c) => {
    for (;;) await c.send(await c.reader.exactly(4));
  });
  const proxy = await sluice({
    config: { upgrade: staying, tenants: [reverse([slow.address]), forward({ connect: { ports: [] } }, { name: 'tunnels' })] },
  });
  const idle = await open(proxy.address('web'));
  const quiet = await open(proxy.address('web'));
  const busy = await open(proxy.address('web'));
  const tunnel = await open(proxy.address('proxy'));
  assert.equal((await idle.ask(get())).status, 200);
  assert.equal((await quiet.ask(get())).status, 200);
  assert.equal((await connectThrough(tunnel, echo.address)).status, 200);
  await busy.send(get('/slow'));
  await sleep(100);

  const upgraded = proxy.upgrade({ force: true });
  upgraded.catch(() => undefined);
  const since = Date.now();
  await eventually('the switch', async () => (await proxy.status())['generation'] === 2 || undefined);
  await sleep(100);
  const late = await busy.readResponse();
  assert.equal(late.text, 'late');
  assert.equal(late.head.get('connection')?.toLowerCase(), 'close');
  const last = await idle.ask(get());
  assert.equal(last.status, 200);
  assert.equal(last.head.get('connection')?.toLowerCase(), 'close');
  await quiet.reader.closed();
  assert.ok(Date.now() - since > 1500, 'an idle connection was closed before its budget');
  for (let i = 0; i < 5; ++i) {
    await tunnel.send('ping');
    assert.equal((await tunnel.reader.exactly(4)).toString(), 'ping');
  }
  tunnel.close();

  const record = await upgraded;
  assert.equal(record['outcome'], 'done');
  assertBalances(record);
  assert.equal(ledger(record, 'connections')['open'], 4);
  assert.equal(ledger(record, 'connections')['cut'], 1);  // the quiet one
  assert.equal(ledger(record, 'requests')['finished'], 1);
  assert.equal(ledger(record, 'tunnels')['finished'], 1);
  assert.equal(proxy.log.all((r) => r['event'] === 'connection cut' && r['what'] === 'idle').length, 1);
});

scenario('a tunnel that outlives its budget is cut, and named', async ({ sluice, scripted, connect: open }) => {
  const silent = await scripted(async (c) => void (await c.reader.toEnd().catch(() => undefined)));
  const proxy = await sluice({
    config: { upgrade: { ...staying, drain: { ...soon.drain, tunnel: '700ms', spread: 0 } }, tenants: [forward({ connect: { ports: [] } })] },
  });
  const tunnel = await open(proxy.address('proxy'));
  await connectThrough(tunnel, silent.address);
  const since = Date.now();
  const record = await proxy.upgrade({ force: true });
  assert.ok(Date.now() - since >= 650, `cut after ${Date.now() - since} ms`);
  assert.equal(ledger(record, 'tunnels')['cut'], 1);
  assertBalances(record);
  const cut = await proxy.log.waitFor('the cut', (r) => r['event'] === 'connection cut');
  assert.equal(cut['what'], 'tunnel');
  await assert.rejects(tunnel.reader.exactly(1));
});

scenario('an upload that is still coming has a longer budget than a request, and its answer has that of a request', async ({ sluice, origin, connect: open }) => {
  const server = await origin((request, response) => {
    let size = 0;
    request.on('data', (piece: Buffer) => { size += piece.length; });
    request.on('end', () => setTimeout(() => response.end(String(size)), 250));  // longer than from one look at budgets to the next
  });
  const proxy = await sluice({
    config: { upgrade: { ...staying, drain: { ...soon.drain, request: '1s', upload: '20s', spread: 0 } }, tenants: [reverse([server.address])] },
  });
  const client = await open(proxy.address('web'));
  await client.send('POST / HTTP/1.1\r\nHost: web.test\r\nContent-Length: 20\r\n\r\n');
  await client.send('0123456789');
  await eventually('the request', () => server.seen.length === 1);
  const upgraded = proxy.upgrade({ force: true });
  await proxy.log.waitFor('the drain', (r) => r['event'] === 'draining');
  await sleep(1200);
  await client.send('0123456789');
  assert.equal((await client.readResponse()).text, '20');
  client.close();
  assertBalances(await upgraded);
});

scenario('any number of workers, any number of times: no connection and no POST is lost', async ({ sluice, origin }) => {
  const server = await origin((request, response) => { request.resume().on('end', () => response.end('ok')); });
  const proxy = await sluice({ config: { upgrade: soon, tenants: [reverse([server.address], {}, { workers: 2 })] } });
  const load = new Load(proxy, 'web', 16);
  await sleep(200);
  for (const workers of [4, 1, 3, 1]) {
    proxy.reconfigure((config) => { tenant(config)['workers'] = workers; });
    const record = await proxy.upgrade();
    assert.equal(record['outcome'], 'done', JSON.stringify(record));
    assertBalances(record);
    assert.equal((await proxy.workers('main')).length, workers);
  }
  await load.stop();
  assert.deepEqual(load.failures, []);
  assert.ok(load.asked > 100, `${load.asked} requests`);
}, { timeout: 60_000 });

scenario('addresses come and go: the new one serves, the old one is emptied first', async ({ sluice, origin, connect: open }) => {
  const server = await origin();
  const proxy = await sluice({ config: { upgrade: soon, tenants: [reverse([server.address], { listen: ['127.0.0.1:0'] })] } });
  const before = proxy.address('web');
  const waiting = await open(before);
  proxy.reconfigure((config) => {
    ((tenant(config)['endpoints'] as JsonObject[])[0] as JsonObject)['listen'] = ['127.0.0.2:0'];
  });
  const upgraded = proxy.upgrade();
  assert.equal((await waiting.ask(once)).status, 200);
  assert.equal((await upgraded)['outcome'], 'done');
  assert.match(proxy.address('web'), /^127\.0\.0\.2:/);
  const client = await open(proxy.address('web'));
  assert.equal((await client.ask(get())).status, 200);
  await assert.rejects(connect(before));
});

for (const program of ['the same supervisor', 'a new supervisor']) {
  scenario(`an address that comes back while its old generation still drains serves again: ${program}`, async ({ sluice, origin, connect: open }) => {
    let release = (): void => undefined;
    const server = await origin((request, response) => {
      if (request.url === '/held') release = () => void response.end('held');
      else response.end('origin');
    });
    const proxy = await sluice({
      ownProgram: true,
      config: { upgrade: { probation: '0s' }, tenants: [reverse([server.address], { listen: ['127.0.0.1:0'] })] },
    });
    const listenOn = (address: string): void => proxy.reconfigure((config) => {
      ((tenant(config)['endpoints'] as JsonObject[])[0] as JsonObject)['listen'] = [address];
    });
    const first = proxy.address('web');
    const held = await open(first);
    await held.send(get('/held'));
    await eventually('the request', () => server.seen.length === 1);

    listenOn('127.0.0.2:0');
    assert.equal((await proxy.upgrade({ until: 'probation' }))['outcome'], 'done');
    assert.notEqual(proxy.address('web'), first);
    listenOn('127.0.0.1:0');
    if (program === 'a new supervisor') proxy.replaceProgram();
    assert.equal((await proxy.upgrade({ until: 'probation' }))['outcome'], 'done');
    assert.equal(proxy.address('web'), first);
    const client = await open(first);
    assert.equal((await client.ask(get())).text, 'origin');
    release();
    assert.equal((await held.readResponse()).text, 'held');
  });
}

scenario('a removed address is closed while its old generation still drains', async ({ sluice, origin, connect: open }) => {
  let release = (): void => undefined;
  const server = await origin((_, response) => { release = () => void response.end('held'); });
  const proxy = await sluice({ config: { upgrade: { probation: '0s' }, tenants: [reverse([server.address], { listen: ['127.0.0.1:0'] })] } });
  const first = proxy.address('web');
  const held = await open(first);
  await held.send(get('/held'));
  await eventually('the request', () => server.seen.length === 1);
  proxy.reconfigure((config) => {
    ((tenant(config)['endpoints'] as JsonObject[])[0] as JsonObject)['listen'] = ['127.0.0.2:0'];
  });
  assert.equal((await proxy.upgrade({ until: 'probation' }))['outcome'], 'done');
  const port = Number(first.slice(first.lastIndexOf(':') + 1));
  await eventually('the port being free', () => new Promise<boolean>((done) => {
    const server = createServer().on('error', () => done(false));
    server.listen({ port, host: '127.0.0.1' }, () => void server.close(() => done(true)));
  }));
  release();
  assert.equal((await held.readResponse()).text, 'held');
});

scenario('a removed address is served until the probation is over, also when its worker dies', async ({ sluice, origin, connect: open }) => {
  const server = await origin();
  const proxy = await sluice({
    crashes: 'expected', config: { upgrade: { probation: '60s' }, tenants: [reverse([server.address], { listen: ['127.0.0.1:0'] })] },
  });
  const first = proxy.address('web');
  proxy.reconfigure((config) => {
    ((tenant(config)['endpoints'] as JsonObject[])[0] as JsonObject)['listen'] = ['127.0.0.2:0'];
  });
  const upgraded = control(proxy.controlPath, 'upgrade', {});
  await eventually('the switch', async () => (await proxy.status())['generation'] === 2);
  const old = (await proxy.workers('main')).find((w) => w['generation'] === 1) as JsonObject;
  process.kill(old['pid'] as number, 'SIGKILL');
  await eventually('the next one', async () => (await proxy.workers('main')).some(
    (w) => w['generation'] === 1 && w['state'] === 'ready' && w['pid'] !== old['pid']));
  const listeners = (await proxy.status())['listeners'] as JsonObject[];
  const second = String(listeners.find((one) => String(one['address']).startsWith('127.0.0.2:'))?.['address']);
  for (const address of [first, second]) {
    const client = await open(address);
    assert.equal((await client.ask(once)).status, 200);
  }
  proxy.signal('SIGTERM');
  assert.equal((await upgraded).result['outcome'], 'done');
});

scenario('tenants come and go', async ({ sluice, origin, connect: open }) => {
  const server = await origin();
  const proxy = await sluice({ config: { upgrade: soon, tenants: [reverse([server.address], { name: 'a' }, { name: 'first' })] } });
  proxy.reconfigure((config) => {
    config['tenants'] = [reverse([server.address], { name: 'b' }, { name: 'second' }) as never];
  });
  assert.equal((await proxy.upgrade())['outcome'], 'done');
  const client = await open(proxy.address('b'));
  assert.equal((await client.ask(get())).status, 200);
  const metrics = await proxy.metrics();
  assert.equal(metrics.sum('sluice_workers', { tenant: 'first' }), 0);
  assert.equal(metrics.sum('sluice_workers_ready', { tenant: 'second' }), 1);
  const admin = await open(proxy.address('admin'));
  assert.equal((await admin.ask('GET /ready HTTP/1.1\r\nHost: admin\r\n\r\n')).status, 200);
});

scenario('counters never go back, and their sum is what clients counted', async ({ sluice, origin }) => {
  const server = await origin((request, response) => { request.resume().on('end', () => response.end('ok')); });
  const proxy = await sluice({ config: { upgrade: soon, tenants: [reverse([server.address], {}, { workers: 2 })] } });
  const load = new Load(proxy, 'web', 8);
  let last = await proxy.metrics();
  for (let i = 0; i < 3; ++i) {
    const upgraded = proxy.upgrade({ force: true });
    for (let look = 0; look < 5; ++look) {
      const now = await proxy.metrics().catch(() => last);  // the admin process changes too
      assert.deepEqual(last.wentBackwards(now), []);
      last = now;
      await sleep(50);
    }
    assert.equal((await upgraded)['outcome'], 'done');
  }
  await load.stop();
  assert.deepEqual(load.failures, []);
  await sleep(200);
  const end = await proxy.metrics();
  assert.deepEqual(last.wentBackwards(end), []);
  assert.equal(end.sum('sluice_requests_total', { tenant: 'main' }), load.asked);
  assert.equal(end.sum('sluice_upgrades_total', { outcome: 'done' }), 3);
}, { timeout: 60_000 });

scenario('new workers that crash after the switch give the sockets back, under load', async ({ sluice, origin }) => {
  const server = await origin((request, response) => { request.resume().on('end', () => response.end('ok')); });
  const proxy = await sluice({
    crashes: 'expected',
    config: { upgrade: { ...soon, probation: '20s', probation_crashes: 2 }, tenants: [reverse([server.address])] },
  });
  const first = (await proxy.workers('main')).map((w) => w['pid']);
  const upgraded = proxy.upgrade({ force: true, until: 'probation' });
  await eventually('the switch', async () => (await proxy.status())['generation'] === 2 || undefined);
  for (let crash = 0; crash < 2; ++crash) {
    const victim = await eventually('a new worker', async () =>
      (await proxy.workers('main')).find((w) => w['generation'] === 2 && w['state'] === 'ready' && w['restarts'] === crash));
    process.kill(victim['pid'] as number, 'SIGKILL');
  }
  const record = await upgraded;
  assert.equal(record['outcome'], 'rolled_back');
  const load = new Load(proxy, 'web', 4);
  await sleep(300);
  await load.stop();
  assert.deepEqual(load.failures, []);
  const serving = (await proxy.workers('main')).filter((w) => w['generation'] === 1).map((w) => w['pid']);
  assert.deepEqual(serving, first);
  proxy.reconfigure((config) => { config['upgrade'] = soon; });
  await proxy.upgrade({ until: 'probation' });
  assert.equal((await proxy.upgrade({ force: true, until: 'probation' }))['outcome'], 'done');
});

scenario('connections in the queue of workers that do not look are served by the new ones', async ({ sluice, origin }) => {
  const server = await origin();
  const proxy = await sluice({ crashes: 'expected', config: { upgrade: soon, tenants: [reverse([server.address], { backlog: 1024 })] } });
  const stopped = await eventually('the worker', () => proxy.workerPid('main'));
  process.kill(stopped, 'SIGSTOP');
  const clients = await Promise.all(Array.from({ length: 200 }, () => connect(proxy.address('web'))));
  await Promise.all(clients.map((client) => client.send(once)));
  const upgraded = proxy.upgrade({ force: true, until: 'probation' });
  const answers = await Promise.all(clients.map((client) => client.readResponse()));
  assert.equal(answers.filter((a) => a.status === 200).length, 200);
  assert.equal((await upgraded)['outcome'], 'done');
  process.kill(stopped, 'SIGCONT');
  clients.forEach((client) => client.close());
});

scenario('sluicectl upgrade shows the phases and the ledger', async ({ sluice, origin }) => {
  const server = await origin();
  const proxy = await sluice({ config: { upgrade: soon, tenants: [reverse([server.address])] } });
  const unchanged = await proxy.ctl('upgrade');
  assert.equal(unchanged.code, 0);
  assert.match(unchanged.stdout, /unchanged/);
  const done = await proxy.ctl('upgrade', '--force');
  assert.equal(done.code, 0, done.stdout + done.stderr);
  for (const phase of ['preflight', 'spawn', 'commit', 'probation', 'drain', 'ended']) assert.match(done.stdout, new RegExp(` ${phase} `));
  assert.match(done.stdout, /OPEN AT THE SWITCH/);
  proxy.reconfigure((config) => { config['tenantz'] = []; });
  const refused = await proxy.ctl('upgrade');
  assert.equal(refused.code, 10);
  assert.match(refused.stdout, /tenantz: unknown key/);
  proxy.reconfigure((config) => { delete config['tenantz']; config['application'] = { program: '/nowhere/at/all' }; });
  assert.equal((await proxy.ctl('upgrade')).code, 31);
  assert.match((await proxy.ctl('upgrades')).stdout, /application_missing/);
});

const file = (text: string, mode: number) => (path: string): void => {
  writeFileSync(path, text);
  chmodSync(path, mode);
};
const programs: ReadonlyArray<{ what: string; put: (path: string) => void; outcome: string; code: number; says: RegExp }> = [
  { what: 'missing', put: () => undefined, outcome: 'application_missing', code: 31, says: /no such file/i },
  { what: 'a folder', put: (path) => mkdirSync(path), outcome: 'application_not_executable', code: 32, says: /not a regular file/ },
  { what: 'not executable', put: file('', 0o644), outcome: 'application_not_executable', code: 32, says: /not executable/ },
  { what: 'a text', put: file('hello\n', 0o755), outcome: 'application_wrong_format', code: 33, says: /execveat/ },
  {
    what: 'of another architecture', outcome: 'application_wrong_format', code: 33, says: /execveat/,
    put: (path) => {
      const elf = readFileSync('/bin/true');
      elf.writeUInt16LE(243, 18);  // e_machine: RISC-V
      writeFileSync(path, elf, { mode: 0o755 });
    },
  },
  { what: 'one that exits with 0', put: (path) => copyFileSync('/bin/true', path), outcome: 'application_silent', code: 34, says: /not an application of Sluice/ },
  { what: 'one that exits with 1', put: (path) => copyFileSync('/bin/false', path), outcome: 'application_failed', code: 35, says: /--describe ended with status 1/ },
  { what: 'one that talks of something else', put: (path) => copyFileSync('/bin/echo', path), outcome: 'bad_application', code: 11, says: /not an application of Sluice/ },
  { what: 'one that hangs', put: (path) => copyFileSync(join(binaries, 'restart-hang'), path), outcome: 'application_hangs', code: 36, says: /in time/ },
];

scenario('whatever is wrong with an application has its exit status, and harms nothing', async ({ sluice, origin }) => {
  const server = await origin();
  const proxy = await sluice({ config: { upgrade: soon, tenants: [reverse([server.address])] } });
  const workers = (await proxy.workers('main')).map((w) => w['pid']);
  const program = join(proxy.folder, 'application');
  proxy.reconfigure((config) => {
    config['application'] = { program };
    config['upgrade'] = { ...soon, preflight_timeout: '2s' };
  });
  for (const { what, put, outcome, code, says } of programs) {
    rmSync(program, { recursive: true, force: true });
    put(program);
    const tried = await proxy.ctl('upgrade');
    assert.equal(tried.code, code, `${what}: ${tried.stdout}${tried.stderr}`);
    assert.match(tried.stdout, new RegExp(outcome), what);
    assert.match(tried.stdout, says, what);
    assert.deepEqual((await proxy.workers('main')).map((w) => w['pid']), workers, what);
  }
  rmSync(program);
  copyFileSync(join(binaries, 'sluice-proxy'), program);
  proxy.reconfigure((config) => { config['upgrade'] = soon; });
  assert.equal((await proxy.upgrade())['outcome'], 'done');
});
