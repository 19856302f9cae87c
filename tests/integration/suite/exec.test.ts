// A new supervisor by exec in place: the same process, nothing lost; and what is no supervisor is found out before.
import { copyFileSync, readFileSync, readlinkSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  assert, binaries, connectThrough, descriptorKinds, eventually, forward, Load, noMoreDescriptors, reverse, scenario, sleep, type JsonObject, type Sluice,
} from '../kit/index.js';

const get = 'GET / HTTP/1.1\r\nHost: web.test\r\n\r\n';
const soon = { probation: '0s', drain: { idle: '2s', request: '5s', upload: '5s', tunnel: '5s' } };

function field(pid: number, name: string): string {
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
}

function phases(record: JsonObject): string[] {
  return (record['events'] as JsonObject[]).map((e) => String(e['phase']));
}

function assertBalances(record: JsonObject): void {
  for (const row of Object.values(record['ledger'] as Record<string, Record<string, number>>)) {
    assert.equal(row['unexplained'], 0, JSON.stringify(record['ledger']));
    assert.equal(row['crashed'], 0, JSON.stringify(record['ledger']));
  }
}

/** The program that the process runs now. */
function running(proxy: Sluice): string {
  return readlinkSync(`/proc/${proxy.pid}/exe`);
}

scenario('under load: the process stays, nobody notices, and nothing piles up', async ({ sluice, origin }) => {
  const server = await origin((request, response) => { request.resume().on('end', () => response.end('ok')); });
  const proxy = await sluice({ ownProgram: true, config: { upgrade: soon, tenants: [reverse([server.address], {}, { workers: 2 })] } });
  await proxy.upgrade({ force: true });  // from now on there is memory for two generations
  const pid = proxy.pid;
  const before = descriptorKinds(pid);
  const filters = field(pid, 'Seccomp_filters');
  const load = new Load(proxy, 'web', 16);
  let metrics = await proxy.metrics();
  for (let i = 0; i < 5; ++i) {
    proxy.replaceProgram();
    const record = await proxy.upgrade();
    assert.equal(record['outcome'], 'done', JSON.stringify(record));
    assert.deepEqual(phases(record), ['preflight', 'exec', 'spawn', 'commit', 'probation', 'drain', 'ended']);
    assertBalances(record);
    assert.equal(running(proxy), proxy.programPath);
    const now = await proxy.metrics();
    assert.deepEqual(metrics.wentBackwards(now), []);
    metrics = now;
  }
  await load.stop();
  assert.deepEqual(load.failures, []);
  assert.ok(load.asked > 100, `${load.asked} requests`);
  assert.equal(proxy.pid, pid);
  assert.equal(field(pid, 'Name'), 'sluice');
  assert.equal(field(pid, 'Seccomp_filters'), filters);
  await noMoreDescriptors(pid, before);
  await sleep(200);
  const end = await proxy.metrics();
  assert.equal(end.sum('sluice_requests_total', { tenant: 'main' }), load.asked);
  assert.equal(end.sum('sluice_upgrades_total', { outcome: 'done' }), 6);
  assert.equal(((await proxy.status())['generation']), 7);
}, { timeout: 60_000 });

scenario('a tunnel and a slow answer live through it, and the worker that has them is still watched', async ({ sluice, origin, scripted, connect: open }) => {
  const slow = await origin((request, response) => void setTimeout(() => response.end('late'), request.url === '/' ? 700 : 0));
  const echo = await scripted(async (c) => {
    for (;;) await c.send(await c.reader.exactly(4));
  });
  const proxy = await sluice({
    ownProgram: true, config: { upgrade: soon, tenants: [reverse([slow.address]), forward({ connect: { ports: [] } }, { name: 'tunnels' })] },
  });
  const tunnel = await open(proxy.address('proxy'));
  const busy = await open(proxy.address('web'));
  assert.equal((await connectThrough(tunnel, echo.address)).status, 200);
  await busy.send(get);
  await sleep(100);
  proxy.replaceProgram();
  const upgraded = proxy.upgrade();
  const late = await busy.readResponse();
  assert.equal(late.text, 'late');
  for (let i = 0; i < 10; ++i) {
    await tunnel.send('ping');
    assert.equal((await tunnel.reader.exactly(4)).toString(), 'ping');
    await sleep(20);
  }
  tunnel.close();
  const record = await upgraded;
  assert.equal(record['outcome'], 'done');
  assertBalances(record);
  const tunnels = (record['ledger'] as Record<string, Record<string, number>>)['tunnels'] ?? {};
  assert.equal((tunnels['handed_over'] ?? 0) + (tunnels['finished'] ?? 0), 1, JSON.stringify(tunnels));
});

scenario('a worker that dies after it is started again, with what it had counted', async ({ sluice, origin, connect: open }) => {
  const server = await origin();
  const proxy = await sluice({
    ownProgram: true, crashes: 'expected', config: { upgrade: { ...soon, probation: '20s', probation_crashes: 5 }, tenants: [reverse([server.address])] },
  });
  proxy.replaceProgram();
  const record = proxy.upgrade({ until: 'probation' });
  await eventually('the switch', async () => (await proxy.status())['generation'] === 2 || undefined);
  for (const generation of [1, 2]) {
    const victim = (await proxy.workers('main')).find((w) => w['generation'] === generation) as JsonObject;
    process.kill(victim['pid'] as number, 'SIGKILL');
    await eventually('the next one', async () => (await proxy.workers('main')).find(
      (w) => w['generation'] === generation && w['state'] === 'ready' && w['pid'] !== victim['pid'] && w['restarts'] === 1));
  }
  const client = await open(proxy.address('web'));
  assert.equal((await client.ask(get)).status, 200);
  proxy.signal('SIGTERM');
  assert.equal((await record)['outcome'], 'done');
  assert.equal(await proxy.waitForExit(), 0);
});

scenario('sluicectl shows the phases to the end, and SIGHUP does the same', async ({ sluice, origin }) => {
  const server = await origin();
  const proxy = await sluice({ ownProgram: true, config: { upgrade: soon, tenants: [reverse([server.address])] } });
  proxy.replaceProgram();
  const done = await proxy.ctl('upgrade');
  assert.equal(done.code, 0, done.stdout + done.stderr);
  for (const phase of ['preflight', 'exec', 'spawn', 'commit', 'probation', 'drain', 'ended']) assert.match(done.stdout, new RegExp(` ${phase} `));
  assert.match(done.stdout, /OPEN AT THE SWITCH/);
  proxy.replaceProgram();
  proxy.signal('SIGHUP');
  await eventually('the third generation', async () => (await proxy.status())['generation'] === 3 || undefined);
  assert.match((await proxy.ctl('upgrades')).stdout, /SIGHUP/);
  assert.equal((await proxy.ctl('upgrade')).code, 0);
  assert.equal((await proxy.status())['generation'], 3, 'nothing was new');
});

const stranger = (what: string) => (path: string): void => {
  copyFileSync(join(binaries, 'scripted-sluice'), path);
  writeFileSync(path.replace(/\.new$/, '.script'), what);
};
const broken: Array<{ what: string; put: (proxy: Sluice) => void; outcome: string; code: number; says: RegExp }> = [
  { what: 'missing', put: (p) => rmSync(p.programPath), outcome: 'supervisor_missing', code: 41, says: /no such file/i },
  { what: 'not executable', put: (p) => p.replaceProgram(undefined, 0o644), outcome: 'supervisor_not_executable', code: 42, says: /not executable/ },
  { what: 'a shell script', put: (p) => p.replaceProgram((f) => writeFileSync(f, '#!/bin/sh\nexit 0\n')), outcome: 'supervisor_wrong_format', code: 43, says: /execveat/ },
  { what: 'a text', put: (p) => p.replaceProgram((f) => writeFileSync(f, 'hello\n')), outcome: 'supervisor_wrong_format', code: 43, says: /execveat/ },
  {
    what: 'of another architecture', outcome: 'supervisor_wrong_format', code: 43, says: /execveat/,
    put: (p) => p.replaceProgram((f) => {
      const elf = readFileSync(join(binaries, 'scripted-sluice'));
      elf.writeUInt16LE(243, 18);  // e_machine: RISC-V
      writeFileSync(f, elf);
    }),
  },
  {
    what: 'half a copy', outcome: 'supervisor_failed', code: 45, says: /./,
    put: (p) => p.replaceProgram((f) => { copyFileSync(join(binaries, 'sluice'), f); truncateSync(f, 300_000); }),
  },
  { what: 'one that exits at once', put: (p) => p.replaceProgram(stranger('exit')), outcome: 'supervisor_silent', code: 44, says: /status 0 and without an answer/ },
  { what: 'one that crashes', put: (p) => p.replaceProgram(stranger('crash')), outcome: 'supervisor_failed', code: 45, says: /about to crash/ },
  { what: 'one that hangs', put: (p) => p.replaceProgram(stranger('hang')), outcome: 'supervisor_hangs', code: 46, says: /no end in time/ },
  { what: 'one that talks nonsense', put: (p) => p.replaceProgram(stranger('garbage')), outcome: 'bad_supervisor', code: 21, says: /without an answer/ },
  { what: 'one that ignores the state', put: (p) => p.replaceProgram(stranger('silent')), outcome: 'bad_supervisor', code: 21, says: /says nothing of the state/ },
  { what: 'one of another state', put: (p) => p.replaceProgram(stranger('old-state')), outcome: 'incompatible_state', code: 22, says: /knows version 9/ },
  { what: 'one that gives the state back', put: (p) => p.replaceProgram(stranger('gives-back')), outcome: 'incompatible_state', code: 22, says: /does not feel like it/ },
];

scenario('what is no supervisor is found out, said, and harms nothing; the next good one works', async ({ sluice, origin, connect: open }) => {
  const server = await origin((request, response) => { request.resume().on('end', () => response.end('ok')); });
  const proxy = await sluice({ ownProgram: true, config: { upgrade: { ...soon, preflight_timeout: '1s' }, tenants: [reverse([server.address])] } });
  const workers = (await proxy.workers('main')).map((w) => w['pid']);
  const idle = await open(proxy.address('web'));
  const load = new Load(proxy, 'web', 4);
  for (const { what, put, outcome, code, says } of broken) {
    put(proxy);
    const tried = await proxy.ctl('upgrade');
    assert.equal(tried.code, code, `${what}: ${tried.stdout}${tried.stderr}`);
    assert.match(tried.stdout, new RegExp(outcome), what);
    assert.match(tried.stdout, says, what);
    assert.deepEqual((await proxy.workers('main')).map((w) => w['pid']), workers, what);
  }
  assert.equal((await idle.ask(get)).status, 200);
  proxy.replaceProgram();
  const good = await proxy.upgrade();
  assert.equal(good['outcome'], 'done', JSON.stringify(good));
  await load.stop();
  assert.deepEqual(load.failures, []);
  const metrics = await proxy.metrics();
  for (const outcome of new Set(broken.map((b) => b.outcome)))
    assert.equal(metrics.sum('sluice_upgrades_total', { outcome }), broken.filter((b) => b.outcome === outcome).length, outcome);
}, { timeout: 60_000 });

scenario('a new configuration and a new supervisor at once; a bad configuration keeps the old of both', async ({ sluice, origin, connect: open }) => {
  const server = await origin();
  const proxy = await sluice({ ownProgram: true, config: { upgrade: soon, tenants: [reverse([server.address])] } });
  const file = readlinkSync(`/proc/${proxy.pid}/exe`);
  proxy.replaceProgram();
  proxy.reconfigure((config) => { config['tenantz'] = []; });
  assert.equal((await proxy.ctl('upgrade')).code, 10);
  assert.equal(readlinkSync(`/proc/${proxy.pid}/exe`), `${file} (deleted)`, 'still the old program');
  proxy.reconfigure((config) => {
    delete config['tenantz'];
    ((config['tenants'] as JsonObject[])[0] as JsonObject)['workers'] = 3;
  });
  const record = await proxy.upgrade();
  assert.equal(record['outcome'], 'done', JSON.stringify(record));
  assert.equal(running(proxy), file);
  assert.equal((await proxy.workers('main')).length, 3);
  const client = await open(proxy.address('web'));
  assert.equal((await client.ask(get)).status, 200);
});

scenario('who asks meanwhile hears the outcome of the upgrade that follows', async ({ sluice, origin }) => {
  const server = await origin();
  const proxy = await sluice({ ownProgram: true, config: { upgrade: soon, tenants: [reverse([server.address])] } });
  proxy.replaceProgram();
  const first = proxy.upgrade();
  const others = Array.from({ length: 20 }, () => proxy.upgrade());
  assert.equal((await first)['outcome'], 'done');
  for (const other of await Promise.all(others)) assert.ok(['done', 'unchanged'].includes(String(other['outcome'])), JSON.stringify(other));
  const upgrades = JSON.parse((await proxy.ctl('--json', 'upgrades')).stdout) as { upgrades: JsonObject[] };
  assert.ok(upgrades.upgrades.length <= 2, `${upgrades.upgrades.length} upgrades`);
});
