// Workers that have been taken over, and a neighbour that must not notice (tests/sandbox/hostile_worker.cc has the attacks).
import { assert, connect, forward, residentBytes, scenario, sleep } from '../kit/index.js';

// those that a worker survives; what breaks a rule of the channel ends it (tests/supervisor, tests/unit/ipc)
const attacks = ['flood-log', 'flood-log-endless-line', 'forge-log', 'scribble'];
const mostMemory = 64 << 20;

for (const attack of attacks) {
  scenario(`a worker that does "${attack}" harms neither the supervisor nor its neighbour`, async ({ sluice }) => {
    const proxy = await sluice({
      application: 'hostile-worker',
      crashes: 'expected',
      config: {
        admin: { enabled: false },
        tenants: [forward({ name: 'good' }, { name: 'neighbour' }), forward({ name: 'bad' }, { name: 'attacker', settings: { attack } })],
      },
    });
    await sleep(500);
    for (let i = 0; i < 5; i += 1) {
      const client = await connect(proxy.address('good'));
      await client.reader.until('fine\n');
      client.close();
    }
    const status = await proxy.ctl('status');
    assert.equal(status.code, 0, status.stderr);
    assert.ok(residentBytes(proxy.pid) < mostMemory, `the supervisor has ${residentBytes(proxy.pid) >> 20} MiB`);
  }, { skip: process.env['SLUICE_SANITIZED'] === '1' ? 'sanitizers report what a hostile worker does to itself' : undefined });
}
