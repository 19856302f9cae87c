// Process 1 of a container, by deploy/container/entry in a process namespace of its own: whoever loses its parent there
// becomes a child of Sluice, and the kernel hands on only the signals that it asked for.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assert, binaries, connect, control, descendants, eventually, Log, scenario, type JsonObject } from '../kit/index.js';

const entry = fileURLToPath(new URL('../../../../deploy/container/entry', import.meta.url));
const apart = ['--pid', '--fork', '--mount-proc', '--kill-child'];
const skip = process.getuid?.() !== 0 ? 'a process namespace needs root'
  : spawnSync('unshare', [...apart, 'true']).status !== 0 ? 'no process namespace can be had here' : undefined;

scenario('as process 1 it reaps strangers, upgrades on SIGHUP and drains on SIGTERM', async ({ after }) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-container-'));
  const file = join(folder, 'sluice.json');
  const socket = join(folder, 'control.sock');
  writeFileSync(file, JSON.stringify({
    control: { path: socket }, log: { level: 'debug' }, admin: { listen: ['127.0.0.1:0'] }, upgrade: { probation: '0s' },
    tenants: [{ name: 'main', workers: 1, endpoints: [{ name: 'web', mode: 'reverse', listen: ['127.0.0.1:0'], routes: [{ respond: { status: 200 } }] }] }],
  }));
  const outer = spawn('unshare', [...apart, 'sh', entry], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, SLUICE_CONFIG: file, PATH: `${binaries}:${process.env['PATH'] ?? ''}` },
  });
  after(() => { outer.kill('SIGKILL'); rmSync(folder, { recursive: true, force: true }); });
  const ended = new Promise<number | null>((done) => { outer.on('exit', done); });
  const log = new Log(outer.stderr);
  const status = async (): Promise<JsonObject | undefined> =>
    control(socket, 'status').then(({ result }) => (result['ready'] === true ? result : undefined), () => undefined);
  const first = await eventually('being ready', status, 15_000).catch((error: Error) => assert.fail(`${error.message}\n${log.tail()}`));
  assert.equal(first['pid'], 1);
  const inner = descendants(outer.pid as number).find((one) => one.parent === outer.pid)?.pid as number;
  const web = String((first['listeners'] as JsonObject[]).find((one) => one['endpoint'] === 'web')?.['address']);
  const client = await connect(web);
  after(() => client.close());
  const get = 'GET / HTTP/1.1\r\nHost: web.test\r\n\r\n';
  assert.equal((await client.ask(get)).status, 200);

  // its parent ends first, so it becomes a child of process 1
  assert.equal(spawnSync('nsenter', ['--target', String(inner), '--pid', 'sh', '-c', '(sleep 0.1 &)']).status, 0);
  await log.waitFor('the reaping', (r) => r['event'] === 'orphans reaped');

  process.kill(inner, 'SIGHUP');
  await log.waitFor('a look at the configuration', (r) => r['event'] === 'configuration unchanged');
  assert.equal((await control(socket, 'upgrade', { force: true })).result['outcome'], 'done');
  assert.equal((await status())?.['pid'], 1);
  assert.equal((await client.ask(get)).status, 200);

  process.kill(inner, 'SIGTERM');
  assert.equal(await ended, 0, log.tail());
  assert.deepEqual(log.alarms('none'), []);
}, { skip });
