// A new generation is started only where there is room for it; otherwise the old one goes on, and figures say why.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { assert, connect, eventually, reverse, scenario, type JsonObject } from '../kit/index.js';

const get = 'GET / HTTP/1.1\r\nHost: web.test\r\nConnection: close\r\n\r\n';
const patient = { probation: '0s', drain: { idle: '10s', request: '30s', upload: '30s', tunnel: '30s' } };

scenario('upgrade.memory refuses an upgrade with figures, and the next good one works', async ({ sluice, origin }) => {
  const server = await origin();
  const proxy = await sluice({ config: { upgrade: { ...patient, memory: '1MiB' }, tenants: [reverse([server.address], {}, { workers: 3 })] } });
  const refused = await proxy.upgrade({ force: true });
  assert.equal(refused['outcome'], 'no_room', JSON.stringify(refused));
  assert.equal(refused['exit_code'], 23);
  assert.match(String(refused['reason']), /^old generations would take [\d.]+ MiB while they drain, upgrade\.memory allows 1\.0 MiB$/);
  assert.equal((await proxy.status())['generation'], 1);
  const client = await connect(proxy.address('web'));
  assert.equal((await client.ask(get)).status, 200);
  client.close();
  proxy.reconfigure((config) => { config['upgrade'] = { probation: '0s', memory: '1GiB', drain: { idle: '100ms' } }; });
  assert.equal((await proxy.upgrade({ force: true }))['outcome'], 'done');
});

scenario('with at_limit cut_oldest what drains makes room', async ({ sluice, origin, connect: open }) => {
  const silent = await origin(() => undefined);
  const proxy = await sluice({ config: { upgrade: patient, tenants: [reverse([silent.address])] } });
  const waiting = await open(proxy.address('web'));
  await waiting.send(get);
  await eventually('the request at its origin', () => silent.seen.length === 1 || undefined);
  assert.equal((await proxy.upgrade({ force: true, until: 'probation' }))['outcome'], 'done');
  const memory = ((await proxy.status())['generations'] as JsonObject[]).length;
  assert.equal(memory, 2, 'the request keeps the old generation');
  // one generation may drain, two are too much
  const sizes = (await Promise.all(['main', 'sluice'].map((t) => proxy.workers(t)))).flat()
    .map((w) => /RssAnon:\s+(\d+) kB\n[^]*RssShmem:\s+(\d+) kB/.exec(readFileSync(`/proc/${String(w['pid'])}/status`, 'utf8')) ?? [])
    .map((m) => Number(m[1]) + Number(m[2]));
  const all = sizes.reduce((a, b) => a + b, 0);
  proxy.reconfigure((config) => { config['upgrade'] = { ...patient, memory: `${Math.max(1024, Math.round(all * 0.75))}KiB`, at_limit: 'refuse' }; });
  assert.equal((await proxy.upgrade())['outcome'], 'in_place');
  const refused = await proxy.upgrade({ force: true, until: 'probation' });
  assert.equal(refused['outcome'], 'no_room', JSON.stringify(refused));
  proxy.reconfigure((config) => { (config['upgrade'] as JsonObject)['at_limit'] = 'cut_oldest'; });
  assert.equal((await proxy.upgrade())['outcome'], 'in_place');
  const made = await proxy.upgrade({ force: true, until: 'probation' });
  assert.equal(made['outcome'], 'done', JSON.stringify(made));
  await proxy.log.waitFor('who was cut', (r) => r['event'] === 'generation cut' && r['generation'] === 1);
  await waiting.reader.closed().catch(() => undefined);
});

scenario('a control group that has no room for two generations refuses, and nobody is killed', async ({ sluice, origin }) => {
  const root = '/sys/fs/cgroup/memory';
  if (process.getuid?.() !== 0 || !existsSync(`${root}/memory.limit_in_bytes`)) return;  // the unit tests have version 2
  const group = `${root}/sluice-test-${process.pid}`;
  mkdirSync(group);
  try {
    const server = await origin();
    const proxy = await sluice({ config: { upgrade: patient, tenants: [reverse([server.address], {}, { workers: 16 })] } });
    const workers = (await Promise.all(['main', 'sluice'].map((t) => proxy.workers(t)))).flat().map((w) => Number(w['pid']));
    for (const pid of [proxy.pid, ...workers]) writeFileSync(`${group}/cgroup.procs`, String(pid));
    const one = workers
      .map((pid) => /RssAnon:\s+(\d+) kB\n[^]*RssShmem:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [])
      .reduce((sum, m) => sum + (Number(m[1]) + Number(m[2])) * 1024, 0);
    const used = Number(readFileSync(`${group}/memory.usage_in_bytes`, 'utf8'));
    writeFileSync(`${group}/memory.limit_in_bytes`, String(used + Math.round(one / 2)));
    const refused = await proxy.upgrade({ force: true });
    assert.equal(refused['outcome'], 'no_room', JSON.stringify(refused));
    assert.match(String(refused['reason']), /needs about [\d.]+ MiB of memory, and [\d.]+ MiB are left \(memory\.limit_in_bytes of .*sluice-test/);
    const client = await connect(proxy.address('web'));
    assert.equal((await client.ask(get)).status, 200);
    client.close();
    writeFileSync(`${group}/memory.limit_in_bytes`, '-1');
    assert.equal((await proxy.upgrade({ force: true, until: 'probation' }))['outcome'], 'done');
  } finally {
    await eventually('the group being empty', () => {
      try {
        for (const pid of readFileSync(`${group}/cgroup.procs`, 'utf8').split('\n').filter(Boolean)) writeFileSync(`${root}/cgroup.procs`, pid);
        rmdirSync(group);
        return true;
      } catch {
        return undefined;  // one has ended in between
      }
    }, 3000);
  }
});
