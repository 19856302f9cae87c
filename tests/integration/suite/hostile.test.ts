// Workers that have been taken over, and a neighbour that must not notice: every attack of tests/sandbox/hostile_worker.cc,
// the attackers of a kind together, each a tenant of its own. Their first client turns them, and those started in their place.
import {
  assert, connect, control, descriptorCount, eventually, forward, residentBytes, scenario, sleep, type JsonObject, type Kit, type Sluice,
} from '../kit/index.js';

/** Why the attacker dies; `harmless` when there is nothing to kill it for. */
type Fate = RegExp | 'harmless';
type Attacks = Readonly<Record<string, Fate>>;

const sanitized = process.env['SLUICE_SANITIZED'] === '1';
const mayGrow = (sanitized ? 300 : 12) << 20;
const mayWait = 2000;

class Battle {
  private slowest = 0;
  private constructor(readonly proxy: Sluice, private readonly attacks: Attacks, private readonly memory: number, private readonly descriptors: number) {}

  static async begin(kit: Kit, attacks: Attacks, config: JsonObject = {}): Promise<Battle> {
    const proxy = await kit.sluice({
      application: 'hostile-worker',
      crashes: 'attacks',
      config: {
        restart_policy: { backoff_min: '10ms', backoff_max: '100ms', crash_loop_count: 1000, ready_timeout: '1s' },
        tenants: [
          forward({ name: 'good' }, { name: 'neighbour' }),
          ...Object.keys(attacks).map((attack) => forward({ name: attack }, { name: attack, settings: { attack } })),
        ],
        ...config,
      },
    });
    const battle = new Battle(proxy, attacks, residentBytes(proxy.pid), descriptorCount(proxy.pid) ?? 0);
    await battle.askNeighbour();
    for (const attack of Object.keys(attacks)) {
      const turning = await connect(proxy.address(attack));
      await turning.reader.until('fine\n');
      turning.close();
    }
    return battle;
  }

  async askNeighbour(): Promise<void> {
    const start = Date.now();
    const client = await connect(this.proxy.address('good'));
    await client.reader.until('fine\n');
    client.close();
    this.slowest = Math.max(this.slowest, Date.now() - start);
  }

  /** The neighbour is asked all the time, and the supervisor and admin now and then. */
  async rage(ms: number): Promise<void> {
    const end = Date.now() + ms;
    for (let i = 0; Date.now() < end; i += 1) {
      await this.askNeighbour();
      if (i % 20 === 0) {
        await this.proxy.status();
        await control(this.proxy.controlPath, 'connections');
        await this.proxy.metrics();
      }
      await sleep(10);
    }
  }

  deaths(attack: string): JsonObject[] {
    return this.proxy.log.all((r) => r['event'] === 'worker ended' && r['tenant'] === attack);
  }

  async settle(): Promise<void> {
    for (const [attack, fate] of Object.entries(this.attacks)) {
      if (fate === 'harmless') {
        assert.deepEqual(this.deaths(attack), [], attack);
        continue;
      }
      // the first end may be its turning
      await eventually(`${attack} being killed again and again`, () => this.deaths(attack).length >= 3, 10_000);
      for (const death of this.deaths(attack).slice(1)) assert.match(String(death['why']), fate, attack);
    }
    await this.askNeighbour();
    assert.ok(this.slowest < mayWait, `the neighbour took ${this.slowest} ms to answer`);
    assert.equal((await this.proxy.workers('neighbour'))[0]?.['restarts'], 0);
    assert.equal((await this.proxy.workers('sluice'))[0]?.['restarts'], 0);
    const grown = residentBytes(this.proxy.pid) - this.memory;
    assert.ok(grown < mayGrow, `the supervisor grew by ${grown >> 10} KiB`);
    // starting a worker takes a dozen for a moment: what counts is that they go again
    await eventually(`the supervisor having no more than its ${this.descriptors} descriptors`,
      () => (descriptorCount(this.proxy.pid) ?? 0) <= this.descriptors);
  }
}

function battle(name: string, attacks: Attacks, aftermath: (fight: Battle) => Promise<void> = async () => undefined): void {
  scenario(name, async (kit) => {
    const fight = await Battle.begin(kit, attacks);
    await fight.rage(1500);
    await fight.settle();
    await aftermath(fight);
  });
}

const silent = /not ready within 1s|it closed its channel and did not end/;

battle('malformed messages end who sends them and nobody else', {
  'noise': /different builds|malformed|may not send|shorter than its header/,
  'empty': silent,
  'short-header': /shorter than its header/,
  'oversize': /more than 65536 bytes/,
  'unknown-type': /type 99, which the peer may not send/,
  'wrong-version': /version 9999 of the protocol/,
  'trailing-bytes': /Ready has 8 bytes, at most 0 are allowed/,
  'cut-fields': /Protections is malformed/,
  'long-list': /Protections is malformed/,
  'bad-text': /Failed is malformed/,
});

battle('messages out of turn end who sends them and nobody else', {
  'speaks-for-supervisor': /type 4, which the peer may not send/,
  'hello-again': /may not say Hello|said Hello twice/,
  'drained-too-early': /may not say Drained while starting/,
  'ready-again': /may not say Ready while serving/,
  'prepared-unasked': /it answered what nobody had asked/,
  'closes-channel': silent,
  'exits': /exited with code 0/,
  'never-ready': silent,
});

battle('descriptors that nobody asked for end who sends them and stay nowhere', {
  'descriptors': /more than the 0 descriptors allowed/,
  'descriptors-announced': /more than the 0 descriptors allowed/,
});

// alone: the kernel counts descriptors on their way for each user, and as an ordinary user all workers are one
battle('a heap of descriptors ends who sends it and stays nowhere', { 'many-descriptors': /more than the 0 descriptors allowed/ });

battle('floods of the channel end at once', { 'flood-channel': /may not say Ready while serving/, 'flood-noise': /different builds/ });

battle('floods of the log and forged lines stay what they are: lines of their tenant', {
  'flood-log': 'harmless', 'flood-log-noise': 'harmless', 'flood-log-endless-line': 'harmless', 'forge-log': 'harmless',
}, async ({ proxy }) => {
  assert.deepEqual(proxy.log.all((r) => r['tenant'] === 'victim'), []);
  assert.deepEqual(proxy.log.lines.filter((line) => /[\x00-\x08\x0b-\x1f\x7f]/.test(line)), []);
  const forged = proxy.log.all((r) => JSON.stringify(r).includes('forged'));
  assert.ok(forged.length > 0);
  for (const record of forged) {
    if (record['event'] !== 'starting' && record['event'] !== 'worker state') assert.equal(record['tenant'], 'forge-log', JSON.stringify(record));
  }
});

battle('a slab full of lies misleads nobody', { 'scribble': 'harmless', 'forge-slab': 'harmless' }, async (fight) => {
  const { proxy } = fight;
  const metrics = await proxy.metrics();
  for (const sample of metrics.samples) {
    if (sample.name === 'sluice_forged_total') assert.equal(sample.labels['tenant'], 'forge-slab');
  }
  assert.equal(metrics.sum('sluice_forged_total'), 0);
  const { items } = await control(proxy.controlPath, 'connections');
  const lies = items.filter((c) => String(c['client']).startsWith('192.0.2.66'));
  assert.ok(lies.length > 0, 'a worker may lie about itself');
  for (const one of lies) assert.equal(one['tenant'], 'forge-slab');
  assert.deepEqual(items.filter((c) => c['tenant'] === 'neighbour'), []);
  const table = await proxy.ctl('connections');
  assert.equal(table.code, 0, table.stderr);
  assert.doesNotMatch(table.stdout, /[\x00-\x09\x0b-\x1f\x7f]/);
  // who damaged its slab gets a new one, and begins anew
  const old = await proxy.workerPid('scribble');
  process.kill(old ?? 0, 'SIGKILL');
  const fresh = await eventually('the scribbler being replaced', async () => {
    const pid = await proxy.workerPid('scribble');
    return pid === old ? undefined : pid;
  });
  assert.equal(proxy.log.all((r) => r['event'] === 'slab damaged' && r['tenant'] === 'scribble').length, 1);
  assert.ok(fresh > 0);
});

scenario('a worker that never reads its channel is ended, and nothing piles up for it', async (kit) => {
  const fight = await Battle.begin(kit, { 'never-reads': /does not read its channel/ });
  // more than its socket and the supervisor's queue for it hold together
  for (let i = 0; i < 800; i += 1) await control(fight.proxy.controlPath, 'log-level', { level: i % 2 === 0 ? 'warn' : 'info' });
  await fight.rage(1000);
  const [death] = await eventually('its death', () => (fight.deaths('never-reads').length > 0 ? fight.deaths('never-reads') : undefined), 15_000);
  assert.match(String(death?.['why']), /does not read its channel/);
  assert.equal((await fight.proxy.workers('neighbour'))[0]?.['restarts'], 0);
}, { timeout: 40_000 });
