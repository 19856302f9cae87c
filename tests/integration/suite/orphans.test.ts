// The death of the supervisor: its workers serve on, the next supervisor takes their place, and with a service manager's
// descriptor store nothing is refused meanwhile.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { assert, binaries, connect, connectThrough, descendants, eventually, forward, isAlive, Load, reverse, runProgram, scenario, sleep, type JsonObject, type Metrics, type Process, type Sluice } from '../kit/index.js';

const withoutFaultPoints = readFileSync(join(binaries, 'sluice')).includes('SLUICE_FAULT_FILE') ? undefined : 'built without fault points';
const get = 'GET / HTTP/1.1\r\nHost: web.test\r\n\r\n';
const once = 'GET / HTTP/1.1\r\nHost: web.test\r\nConnection: close\r\n\r\n';
const soon = { probation: '0s', drain: { idle: '2s', request: '5s', upload: '5s', tunnel: '5s' } };

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((done) => void server.close(() => done()));
  return port;
}

/** The processes below, each killed when the scenario ends. */
function familyOf(proxy: Sluice, after: (cleanup: () => void) => void): Process[] {
  const family = descendants(proxy.pid);
  after(() => {
    for (const process of family) if (isAlive(process)) globalThis.process.kill(process.pid, 'SIGKILL');
  });
  return family;
}

function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

scenario('workers of a dead supervisor serve on without haste, and drain on SIGTERM', async ({ sluice, origin, scripted, connect: open, after }) => {
  const server = await origin();
  const echo = await scripted(async (c) => {
    for (;;) await c.send(await c.reader.exactly(4));
  });
  const proxy = await sluice({
    crashes: 'expected', config: { tenants: [reverse([server.address]), forward({ connect: { ports: [] } }, { name: 'tunnels' })] },
  });
  const family = familyOf(proxy, after);
  const idle = await open(proxy.address('web'));
  const tunnel = await open(proxy.address('proxy'));
  await idle.ask(get);
  await connectThrough(tunnel, echo.address);
  proxy.signal('SIGKILL');
  assert.equal(await proxy.waitForExit(), 'SIGKILL');
  await sleep(200);
  const before = family.filter(isAlive).map((p) => cpuTicks(p.pid));
  await sleep(500);
  const after_ = family.filter(isAlive).map((p) => cpuTicks(p.pid));
  assert.equal(before.length, family.length, 'all workers live');
  after_.forEach((ticks, i) => assert.ok(ticks - (before[i] ?? 0) < 10, `a worker spins: ${ticks - (before[i] ?? 0)} ticks in half a second`));
  assert.equal((await idle.ask(get)).status, 200);
  await tunnel.send('ping');
  assert.equal((await tunnel.reader.exactly(4)).toString(), 'ping');
  const fresh = await open(proxy.address('web'));
  assert.equal((await fresh.ask(get)).status, 200);

  for (const worker of family) process.kill(worker.pid, 'SIGTERM');
  await eventually('nobody listening', () => connect(proxy.address('web')).then((c) => void c.close(), () => true));
  const last = await idle.ask(get);
  assert.equal(last.status, 200);
  assert.equal(last.head.get('connection')?.toLowerCase(), 'close');
  await fresh.ask(get);
  await tunnel.send('pong');
  assert.equal((await tunnel.reader.exactly(4)).toString(), 'pong');
  tunnel.close();
  await eventually('the workers leaving', () => family.every((p) => !isAlive(p)) || undefined);
});

scenario('the next supervisor shares the addresses with them, and tells them to drain', async ({ sluice, origin, after }) => {
  const server = await origin((request, response) => { request.resume().on('end', () => response.end('ok')); });
  const port = await freePort();
  const config = { upgrade: soon, tenants: [reverse([server.address], { listen: [`127.0.0.1:${port}`] }, { workers: 2 })] };
  const first = await sluice({ crashes: 'expected', config });
  const family = familyOf(first, after);
  const load = new Load(first, 'web', 8);
  await sleep(200);
  first.signal('SIGKILL');
  assert.equal(await first.waitForExit(), 'SIGKILL');
  assert.ok(existsSync(`${first.controlPath}.workers`));
  await sleep(200);
  const second = await sluice({ config, after: first });
  await second.log.waitFor('the orphans', (r) => r['event'] === 'orphans found' && r['processes'] === 3);
  await eventually('the orphans leaving', () => family.every((p) => !isAlive(p)) || undefined);
  await sleep(200);
  await load.stop();
  // what connects between a worker's last accept and its close is reset (docs/restart.md): rare, and nothing else
  assert.deepEqual(load.failures.filter((why) => !/was reset .* until then: ""$/.test(why)), []);
  assert.ok(load.failures.length <= 2, load.failures.join('\n'));
  assert.ok(load.asked > 50, `${load.asked} requests`);
  assert.equal((await second.upgrade({ force: true }))['outcome'], 'done');
  second.signal('SIGTERM');
  assert.equal(await second.waitForExit(), 0);
  assert.ok(!existsSync(`${second.controlPath}.workers`));
});

scenario('counters go on over the death of the supervisor', async ({ sluice, origin, connect: open, after }) => {
  const server = await origin();
  const port = await freePort();
  const config = { upgrade: soon, tenants: [reverse([server.address], { listen: [`127.0.0.1:${port}`] }, { workers: 2 })] };
  let proxy = await sluice({ crashes: 'expected', config });
  const confined = ((await proxy.status())['tenants'] as JsonObject[]).flatMap((t) => t['workers'] as JsonObject[])
    .flatMap((w) => w['protections'] as JsonObject[]).find((p) => p['name'] === 'user namespace');
  // an ordinary user may look into no process that is not in a user namespace of its own
  const possible = process.getuid?.() === 0 || confined?.['on'] === true;
  let asked = 0;
  const ask = async (count: number): Promise<void> => {
    for (let i = 0; i < count; ++i, ++asked) {
      const client = await open(`127.0.0.1:${port}`);
      assert.equal((await client.ask(once)).status, 200);
      client.close();
    }
  };
  const counted = (metrics: Metrics): number => metrics.sum('sluice_requests_total', { tenant: 'main' });
  await ask(7);
  const victim = await proxy.workerPid('main') as number;
  process.kill(victim, 'SIGKILL');
  await eventually('the next worker', async () => {
    const pid = await proxy.workerPid('main');
    return pid !== undefined && pid !== victim ? pid : undefined;
  });
  await ask(7);
  assert.equal((await proxy.upgrade({ force: true }))['outcome'], 'done');
  for (const generation of [3, 4]) {
    await ask(7);
    const before = await eventually('all being counted', async () => {
      const metrics = await proxy.metrics().catch(() => undefined);
      return metrics !== undefined && counted(metrics) === asked ? metrics : undefined;
    });
    const family = familyOf(proxy, after);
    proxy.signal('SIGKILL');
    await proxy.waitForExit();
    await ask(7);  // the orphans count on
    proxy = await sluice({ config, after: proxy });
    const inherited = await proxy.log.waitFor('the counters', (r) => r['event'] === 'counters inherited');
    if (!possible) return void assert.match(String(inherited['why']), /pidfd_getfd/);
    assert.equal(inherited['missing'], 0, JSON.stringify(inherited));
    await eventually('the orphans leaving', () => family.every((p) => !isAlive(p)) || undefined);
    await proxy.log.waitFor('the end of the orphans', (r) => r['event'] === 'orphans gone');
    await ask(7);
    const later = await eventually('all being counted again', async () => {
      const metrics = await proxy.metrics();
      return counted(metrics) === asked ? metrics : undefined;
    });
    assert.deepEqual(before.wentBackwards(later), []);
    assert.equal(later.sum('sluice_worker_crashes_total', { tenant: 'main' }), 1);
    assert.equal(later.sum('sluice_upgrades_total', { outcome: 'done' }), 1);
    assert.equal((await proxy.status())['generation'], generation);
  }
}, { timeout: 60_000 });

scenario('a worker that waits for a supervisor that died while it was started leaves', async ({ sluice, origin, after }) => {
  const server = await origin();
  const proxy = await sluice({ crashes: 'expected', config: { upgrade: { ...soon, probation: '20s' }, tenants: [reverse([server.address])] } });
  const upgraded = proxy.upgrade({ force: true });
  upgraded.catch(() => undefined);
  await eventually('the switch', async () => (await proxy.status())['generation'] === 2 || undefined);
  const family = familyOf(proxy, after);
  proxy.signal('SIGKILL');
  await proxy.waitForExit();
  const paused = await eventually('the paused ones leaving', () => (family.filter(isAlive).length === family.length / 2 ? family.filter(isAlive) : undefined));
  const client = await connect(proxy.address('web'));
  assert.equal((await client.ask(once)).status, 200);
  client.close();
  for (const worker of paused) process.kill(worker.pid, 'SIGTERM');
  await eventually('the others leaving', () => family.every((p) => !isAlive(p)) || undefined);
});

function notifications(proxy: Sluice): string[] {
  return proxy.log.all((r) => r['event'] === 'manager' && r['notification'] !== undefined).map((r) => String(r['notification']));
}

for (const manager of ['kills', 'keeps'] as const) {
  scenario(`under a service manager that ${manager} the workers of a dead supervisor nothing is refused`, async ({ sluice, origin }) => {
    const server = await origin((request, response) => { request.resume().on('end', () => response.end('ok')); });
    const proxy = await sluice({
      manager, ownProgram: true, crashes: 'expected', config: { upgrade: soon, tenants: [reverse([server.address], {}, { workers: 2 })] },
    });
    const pid = async (): Promise<number> => (await proxy.status())['pid'] as number;
    const web = proxy.address('web');
    let main = await pid();
    let deaths = 0;
    for (const how of ['at once', 'after an exec in place', 'after an upgrade']) {
      if (how === 'after an exec in place') proxy.replaceProgram();
      if (how !== 'at once') assert.equal((await proxy.upgrade({ force: true }))['outcome'], 'done', how);
      assert.equal(await pid(), main, how);
      process.kill(main, 'SIGKILL');
      deaths += 1;
      await eventually('the death', () => proxy.log.all((r) => r['event'] === 'manager' && r['main'] === 'died').length === deaths || undefined);
      // nobody may be there now, but the address is: the kernel's queue takes us
      const clients = await Promise.all(Array.from({ length: 20 }, () => connect(web)));
      const answers = await Promise.all(clients.map((client) => client.ask(once)));
      assert.ok(answers.every((answer) => answer.status === 200), how);
      clients.forEach((client) => client.close());
      main = await eventually('the next supervisor', async () => {
        const status = await proxy.status().catch(() => undefined);
        return status !== undefined && status['ready'] === true && status['pid'] !== main ? status['pid'] as number : undefined;
      });
      await eventually('its readiness', () => notifications(proxy).filter((n) => n.startsWith('READY=1\nMAINPID=')).at(-1)?.includes(`MAINPID=${main}`));
      assert.equal(proxy.log.all((r) => r['event'] === 'listening sockets inherited').length > 0, true, how);
    }
    const said = notifications(proxy);
    assert.ok(said.some((n) => /^RELOADING=1\nMONOTONIC_USEC=\d+$/.test(n)), said.join('|'));
    assert.ok(said.includes('WATCHDOG=1'));
    const stored = proxy.log.all((r) => r['event'] === 'manager' && typeof r['stored'] === 'number').at(-1) as JsonObject;
    // two sockets of web, one of the admin process, their description; the supervisor's slab, and two at least of each slot
    assert.ok(Number(stored['stored']) >= 4 + 1 + 3 * 2, JSON.stringify(stored));
  }, { timeout: 60_000 });
}

scenario('a restart by the service manager while an old generation drains: the queues stay, and the next one serves', async ({ sluice, origin, connect: open }) => {
  const held: Array<() => void> = [];
  const server = await origin((request, response) => {
    if (request.url === '/slow') held.push(() => response.end('late'));
    else response.end('ok');
  });
  const proxy = await sluice({
    manager: 'kills', crashes: 'expected',
    config: { upgrade: { probation: '0s' }, tenants: [reverse([server.address], {}, { workers: 2 })] },
  });
  const slow = 'GET /slow HTTP/1.1\r\nHost: web.test\r\n\r\n';
  const first = await proxy.status();
  const old = (await proxy.workers('main')).map((w) => w['pid'] as number);
  const clients = [await open(proxy.address('web'))];
  await clients[0]?.send(slow);
  await eventually('the request', () => held.length === 1);
  void proxy.upgrade({ force: true }).catch(() => undefined);
  await eventually('the second generation', async () => (await proxy.status())['generation'] === 2);
  clients.push(await open(proxy.address('web')));
  await clients[1]?.send(slow);
  await eventually('both requests', () => held.length === 2);
  proxy.signal('SIGUSR1');
  await proxy.log.waitFor('the stop', (r) => r['event'] === 'stopping');
  // the old generation ends while Sluice leaves, and with it its part of the addresses
  for (const pid of old) { try { process.kill(pid, 'SIGKILL'); } catch { /* gone already */ } }
  await eventually('their end', () => old.every((pid) => { try { process.kill(pid, 0); return false; } catch { return true; } }));
  const early = await connect(proxy.address('web'));
  held.forEach((end) => end());
  assert.equal((await early.ask(once)).status, 200);
  early.close();
  await eventually('the next supervisor', async () => {
    const status = await proxy.status().catch(() => undefined);
    return status !== undefined && status['ready'] === true && status['pid'] !== first['pid'];
  });
  const late = await connect(proxy.address('web'));
  assert.equal((await late.ask(once)).status, 200);
  late.close();
});

scenario('a start that fails beside orphans takes nothing from them', async ({ sluice, origin, after }) => {
  const server = await origin((request, response) => { request.resume().on('end', () => response.end('ok')); });
  const port = await freePort();
  const first = await sluice({ crashes: 'expected', config: { upgrade: soon, tenants: [reverse([server.address], { listen: [`127.0.0.1:${port}`] }, { workers: 2 })] } });
  const path = join(first.folder, 'web.sock');
  first.reconfigure((config) => {
    for (const endpoint of (config['tenants'] as JsonObject[])[0]?.['endpoints'] as JsonObject[]) endpoint['listen'] = [`127.0.0.1:${port}`, `unix:${path}`];
  });
  assert.equal((await first.upgrade())['outcome'], 'done');
  const family = familyOf(first, after);
  const load = new Load(first, 'web', 8);
  first.signal('SIGKILL');
  assert.equal(await first.waitForExit(), 'SIGKILL');
  const socket = statSync(path).ino;
  const failed = await runProgram('sluice', ['-c', first.configPath], { env: { SLUICE_FAULTS: 'worker.ready=kill' } });
  assert.equal(failed.code, 1, failed.stderr);
  assert.match(failed.stderr, /start failed/);
  const asked = load.asked;
  await eventually('more requests', () => load.asked > asked + 20);
  await load.stop();
  assert.deepEqual(load.failures, []);
  assert.equal(statSync(path).ino, socket);
  assert.ok(family.some(isAlive));
}, { skip: withoutFaultPoints });

scenario('an orphan that hangs is ended when its time to drain is over', async ({ sluice, origin, after }) => {
  const server = await origin();
  const port = await freePort();
  const drain = { idle: '1s', request: '1s', upload: '1s', tunnel: '1s', flow: '1s' };
  const config = { upgrade: { drain }, tenants: [reverse([server.address], { listen: [`127.0.0.1:${port}`] })] };
  const first = await sluice({ crashes: 'expected', config });
  const family = familyOf(first, after);
  const hangs = await first.workerPid('main') as number;
  first.signal('SIGKILL');
  await first.waitForExit();
  process.kill(hangs, 'SIGSTOP');
  const second = await sluice({ config, after: first });
  const record = await second.log.waitFor('its end', (r) => r['event'] === 'orphan killed');
  assert.equal(record['pid'], hangs);
  await second.log.waitFor('all being gone', (r) => r['event'] === 'orphans gone');
  assert.ok(family.every((p) => !isAlive(p)));
});
