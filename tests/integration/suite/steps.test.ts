// Death at every step of an upgrade: workers are killed while the supervisor stands still at a marked step, or at marked
// steps of their own, and so is the supervisor, under load. The listening sockets are never closed, only what was in a killed worker is lost, the
// ledger knows it, and the next upgrade works. Needs a build with fault points (restart/fault_point.h).
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, binaries, connect, descendants, eventually, reverse, scenario, sleep, type JsonObject, type Sluice } from '../kit/index.js';

const skip = readFileSync(join(binaries, 'sluice')).includes('SLUICE_FAULT_FILE') ? undefined : 'built without fault points';
const once = 'GET / HTTP/1.1\r\nHost: web.test\r\nConnection: close\r\n\r\n';
const clients = 4;

function tenant(config: JsonObject): JsonObject {
  return (config['tenants'] as JsonObject[])[0] as JsonObject;
}

/** New connections, one after the other, for each client. */
class Load {
  asked = 0;
  refused = 0;
  lost: string[] = [];
  private running = true;
  private readonly all: Promise<unknown>;

  constructor(proxy: Sluice) {
    const address = proxy.address('web');
    const client = async (): Promise<void> => {
      while (this.running) {
        let connection;
        try {
          connection = await connect(address);
        } catch (error) {
          this.refused += 1;
          this.lost.push(`refused: ${(error as Error).message}`);
          await sleep(20);
          continue;
        }
        try {
          assert.equal((await connection.ask(once)).status, 200);
          this.asked += 1;
        } catch (error) {
          this.lost.push((error as Error).message);
        }
        connection.close();
        await sleep(5);
      }
    };
    this.all = Promise.all(Array.from({ length: clients }, client));
  }

  async stop(): Promise<void> {
    this.running = false;
    await this.all;
  }
}

const workersOf = (proxy: Sluice): number[] =>
  descendants(proxy.pid).filter((p) => p.parent === proxy.pid && !p.name.startsWith('sluice/') && p.name !== 'sluice-admin').map((p) => p.pid);

function stopped(pid: number): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // has gone by itself
  }
}

function unexplained(record: JsonObject): number {
  const ledger = record['ledger'] as Record<string, Record<string, number>> | null;
  return ledger === null ? 0 : Object.values(ledger).reduce((sum, row) => sum + Math.abs(row['unexplained'] ?? 0), 0);
}

type Victims = 'old' | 'new' | 'all';
// where the supervisor stands, who dies there, and what may become of the upgrade
const steps: ReadonlyArray<readonly [string, Victims, readonly string[]]> = [
  ['preflight.before', 'old', ['done']],
  ['preflight.after', 'all', ['done']],
  ['exec.before', 'old', ['done']],
  ['exec.after', 'all', ['done']],
  ['exec.after', 'old', ['done']],
  ['spawn.before', 'old', ['done']],
  ['spawn.bound', 'old', ['done']],
  ['spawn.started', 'new', ['crashed']],
  ['commit.before', 'new', ['done', 'rolled_back']],
  ['commit.before', 'old', ['done']],
  ['commit.listening', 'all', ['done', 'rolled_back']],
  ['commit.middle', 'old', ['done']],
  ['commit.accepting', 'new', ['done', 'rolled_back']],
  ['commit.pausing', 'all', ['done', 'rolled_back']],
  ['commit.after', 'new', ['done', 'rolled_back']],
  ['commit.after', 'old', ['done']],
  ['probation.over', 'old', ['done']],
  ['drain.before', 'all', ['done']],
  ['drain.after', 'old', ['done']],
];

scenario('workers die at each marked step of an upgrade, under load', async ({ sluice, origin, after }) => {
  const server = await origin();
  const folder = `/tmp/sluice-steps-${process.pid}`;
  writeFileSync(folder, '');
  const proxy = await sluice({
    crashes: 'expected',
    ownProgram: true,
    env: { SLUICE_FAULT_FILE: folder },
    config: {
      upgrade: { probation: '200ms', probation_crashes: 2, drain: { idle: '300ms', request: '1s', upload: '1s', tunnel: '1s' } },
      restart_policy: { backoff_min: '20ms', backoff_max: '200ms', crash_loop_count: 1000 },
      tenants: [reverse([server.address], {}, { workers: 2 })],
    },
  });
  after(() => void process.kill(proxy.pid, 'SIGCONT'));
  const load = new Load(proxy);
  after(() => load.stop());
  let kills = 0;
  for (const [step, victims, outcomes] of steps) {
    const before = workersOf(proxy);
    const lost = load.lost.length;
    if (step.startsWith('exec.')) proxy.replaceProgram();
    writeFileSync(folder, `${step}=stop`);
    const upgraded = proxy.upgrade({ force: true });
    upgraded.catch(() => undefined);
    await eventually(`the supervisor at ${step}`, () => stopped(proxy.pid) || undefined, 8000);
    writeFileSync(folder, '');
    const chosen = workersOf(proxy).filter((pid) => victims === 'all' || before.includes(pid) === (victims === 'old'));
    // who has nothing to drain is gone at once
    assert.ok(chosen.length > 0 || step === 'drain.after', `nobody to kill at ${step}`);
    for (const pid of chosen) kill(pid);
    kills += 1;
    await sleep(30);
    process.kill(proxy.pid, 'SIGCONT');
    const record = await upgraded;
    assert.ok(outcomes.includes(String(record['outcome'])), `${step}, ${victims}: ${JSON.stringify(record)}`);
    assert.equal(unexplained(record), 0, `${step}, ${victims}: ${JSON.stringify(record['ledger'])}`);
    await eventually('everybody being well', async () => (await proxy.status())['ready'] === true || undefined, 5000);
    assert.ok(load.lost.length - lost <= clients, `${step}: more was lost than was in the killed workers: ${load.lost.slice(lost).join(', ')}`);
  }
  const asked = load.asked;
  assert.equal((await proxy.upgrade({ force: true }))['outcome'], 'done');
  await load.stop();
  assert.equal(load.refused, 0, load.lost.join(', '));
  assert.ok(load.asked > asked, 'nothing is served at the end');
  assert.ok(load.lost.length <= kills * clients);
}, { skip, timeout: 90_000 });

scenario('a killed worker that drains is in the ledger as crashed', async ({ sluice, origin, connect: open, after }) => {
  const slow = await origin((_, response) => void setTimeout(() => response.end('late'), 3000));
  const file = `/tmp/sluice-steps-crashed-${process.pid}`;
  writeFileSync(file, '');
  const proxy = await sluice({
    crashes: 'expected',
    env: { SLUICE_FAULT_FILE: file },
    config: { upgrade: { probation: '0s', drain: { idle: '5s', request: '5s', upload: '5s', tunnel: '5s' } }, tenants: [reverse([slow.address])] },
  });
  after(() => void process.kill(proxy.pid, 'SIGCONT'));
  const client = await open(proxy.address('web'));
  await client.send('GET / HTTP/1.1\r\nHost: web.test\r\n\r\n');
  await eventually('the request at its origin', () => slow.seen.length === 1 || undefined);
  const [old] = workersOf(proxy);
  writeFileSync(file, 'drain.after=stop');
  const upgraded = proxy.upgrade({ force: true });
  upgraded.catch(() => undefined);
  await eventually('the supervisor', () => stopped(proxy.pid) || undefined);
  kill(old as number);
  process.kill(proxy.pid, 'SIGCONT');
  const record = await upgraded;
  const ledger = record['ledger'] as Record<string, Record<string, number>>;
  assert.equal(ledger['connections']?.['crashed'], 1, JSON.stringify(ledger));
  assert.equal(ledger['requests']?.['crashed'], 1, JSON.stringify(ledger));
  assert.equal(unexplained(record), 0);
}, { skip });

// where the supervisor dies; more workers than before, where sockets that are new then are the point
const supervisorSteps: ReadonlyArray<readonly [string, number]> = [
  ['spawn.bound', 2], ['exec.after', 2], ['commit.listening', 3], ['commit.pausing', 3], ['drain.after', 4],
];

scenario('the supervisor dies at marked steps, the new one too: workers serve on, and the next one takes over', async ({ sluice, origin, after }) => {
  const server = await origin();
  const file = `/tmp/sluice-steps-supervisor-${process.pid}`;
  writeFileSync(file, '');
  after(() => rmSync(file));
  const proxy = await sluice({
    manager: 'keeps',
    ownProgram: true,
    crashes: 'expected',
    env: { SLUICE_FAULT_FILE: file },
    config: {
      upgrade: { probation: '0s', drain: { idle: '300ms', request: '5s', upload: '5s', tunnel: '5s' } },
      tenants: [reverse([server.address], {}, { workers: 2 })],
    },
  });
  const load = new Load(proxy);
  after(() => load.stop());
  const died = (): number => proxy.log.all((r) => r['event'] === 'manager' && r['main'] === 'died').length;
  for (const [step, workers] of supervisorSteps) {
    const before = (await proxy.status())['pid'];
    const deaths = died();
    const asked = load.asked;
    proxy.reconfigure((config) => { tenant(config)['workers'] = workers; });
    if (step.startsWith('exec.')) proxy.replaceProgram();
    writeFileSync(file, `${step}=kill`);
    const upgraded = proxy.upgrade({ force: true }).catch(() => undefined);
    await eventually(`the death at ${step}`, () => died() > deaths || undefined);
    writeFileSync(file, '');
    await upgraded;
    await eventually('the next supervisor', async () => {
      const status: JsonObject = await proxy.status().catch(() => ({}));
      return (status['ready'] === true && status['pid'] !== before) || undefined;
    });
    await eventually('answers', () => load.asked > asked || undefined);
    assert.deepEqual(load.lost, [], step);
  }
  assert.equal((await proxy.upgrade({ force: true }))['outcome'], 'done');
  assert.equal((await proxy.workers('main')).filter((w) => w['state'] === 'ready').length, 4);
  await load.stop();
  assert.deepEqual(load.lost, []);
}, { skip, timeout: 60_000 });

// where a worker dies by itself, and what becomes of the upgrade
const ends: ReadonlyArray<readonly [string, readonly string[]]> = [
  ['worker.ready@2', ['crashed']],
  ['worker.accept@2', ['rolled_back']],
  ['worker.pause@1', ['done']],
  ['worker.drain@1', ['done']],
  ['worker.drained@1', ['done']],
];

scenario('workers die at marked steps of their own', async ({ sluice, origin, after }) => {
  const server = await origin();
  for (const [step, outcomes] of ends) {
    const proxy = await sluice({
      crashes: 'expected',
      env: { SLUICE_FAULTS: `${step}=kill` },
      config: {
        upgrade: { probation: '500ms', probation_crashes: 2, drain: { idle: '200ms', request: '1s', upload: '1s', tunnel: '1s' } },
        restart_policy: { backoff_min: '20ms', backoff_max: '200ms', crash_loop_count: 1000 },
        tenants: [reverse([server.address], {}, { workers: 2 })],
      },
    });
    const load = new Load(proxy);
    after(() => load.stop());
    const record = await proxy.upgrade({ force: true });
    assert.ok(outcomes.includes(String(record['outcome'])), `${step}: ${JSON.stringify(record)}`);
    assert.equal(unexplained(record), 0, `${step}: ${JSON.stringify(record['ledger'])}`);
    await proxy.log.waitFor(`the death at ${step}`, (r) => r['event'] === 'fault point');
    assert.equal((await proxy.upgrade({ force: true }))['outcome'], 'done', step);
    await load.stop();
    assert.equal(load.refused, 0, `${step}: ${load.lost.join(', ')}`);
  }
}, { skip, timeout: 60_000 });

scenario('a worker that dies while it goes over to other settings begins with them', async ({ sluice, origin, after }) => {
  const one = await origin((_, response) => void response.end('one'));
  const two = await origin((_, response) => void response.end('two'));
  const file = `/tmp/sluice-steps-place-${process.pid}`;
  writeFileSync(file, '');
  for (const step of ['in_place.before', 'in_place.middle', 'worker.adopt']) {
    const proxy = await sluice({
      crashes: 'expected',
      env: step === 'worker.adopt' ? { SLUICE_FAULTS: 'worker.adopt=kill' } : { SLUICE_FAULT_FILE: file },
      config: { restart_policy: { backoff_min: '20ms' }, tenants: [reverse([one.address], {}, { workers: 2 })] },
    });
    after(() => void process.kill(proxy.pid, 'SIGCONT'));
    const load = new Load(proxy);
    after(() => load.stop());
    proxy.reconfigure((config) => { (tenant(config)['upstreams'] as JsonObject[])[0] = { name: 'origin', servers: [two.address] }; });
    if (step !== 'worker.adopt') writeFileSync(file, `${step}=stop`);
    const upgraded = proxy.upgrade();
    upgraded.catch(() => undefined);
    if (step !== 'worker.adopt') {
      await eventually(`the supervisor at ${step}`, () => stopped(proxy.pid) || undefined);
      writeFileSync(file, '');
      for (const pid of workersOf(proxy)) kill(pid);
      process.kill(proxy.pid, 'SIGCONT');
    }
    assert.equal((await upgraded)['outcome'], 'in_place', step);
    await eventually('new workers', async () => {
      const workers = await proxy.workers('main');
      return workers.every((w) => w['state'] === 'ready' && Number(w['restarts']) > 0) || undefined;
    });
    await load.stop();
    assert.equal(load.refused, 0, `${step}: ${load.lost.join(', ')}`);
    for (let i = 0; i < 4; ++i) {
      const client = await connect(proxy.address('web'));
      assert.equal((await client.ask(once)).text, 'two', step);
      client.close();
    }
  }
}, { skip, timeout: 60_000 });
