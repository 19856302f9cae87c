// Datagrams: an endpoint that answers them, its limits, and flows that stay with their worker over upgrades, however they
// are steered.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { assert, descendants, eventually, isAlive, reverse, runProgram, scenario, sleep, type JsonObject, type Kit, type Sluice } from '../kit/index.js';

const root = process.getuid?.() === 0;
const steerings = ['bpf', 'forward'] as const;
const needsRoot = (steering: string): string | undefined => (steering === 'bpf' && !root ? 'BPF needs root' : undefined);

function echo(over: JsonObject = {}, tenant: JsonObject = {}): JsonObject {
  return {
    name: 'main', workers: 1, ...tenant,
    endpoints: [{ name: 'echo', protocol: 'udp', mode: 'echo', listen: ['127.0.0.1:0'], echo: { tag: true }, udp: { rate: 0, idle_timeout: '2s' }, ...over }],
  };
}
const upgrade = { probation: '200ms', draining: 16, drain: { idle: '1s', request: '1s', upload: '1s', tunnel: '1s', flow: '30s', spread: 0 } };

/** A client's end of one flow. */
class Flow {
  readonly tags: string[] = [];
  sent = 0;
  received = 0;
  strangers = 0;
  private constructor(private readonly socket: Socket, private readonly host: string, private readonly port: number) {
    socket.on('message', (bytes: Buffer, from: RemoteInfo) => {
      this.received += 1;
      if (from.address !== host || from.port !== port) this.strangers += 1;
      const tag = bytes.toString().split(' ')[0] as string;
      if (this.tags.at(-1) !== tag) this.tags.push(tag);
    });
    socket.on('error', () => undefined);
  }

  static async open(kit: Kit, address: string): Promise<Flow> {
    const colon = address.lastIndexOf(':');
    const host = address.slice(0, colon).replace(/[[\]]/g, '');
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.bind(0);
    await once(socket, 'listening');
    kit.after(() => void socket.close());
    return new Flow(socket, host, Number(address.slice(colon + 1)));
  }

  send(text = `${this.sent}`): void {
    this.sent += 1;
    this.socket.send(text, this.port, this.host);
  }

  async ask(text = 'x'): Promise<string> {
    const before = this.received;
    this.send(text);
    await eventually('an answer', () => this.received > before || undefined, 3000);
    return this.tags.at(-1) as string;
  }
}

/** Flows that send all the time. */
class Chatter {
  private running = true;
  private readonly all: Promise<void>;
  constructor(readonly flows: readonly Flow[]) {
    this.all = (async () => {
      while (this.running) {
        for (const flow of flows) flow.send();
        await sleep(25);
      }
    })();
  }
  async stop(): Promise<void> {
    this.running = false;
    await this.all;
    await eventually('the last answers', () => this.flows.every((f) => f.received >= f.sent) || undefined, 3000).catch(() => undefined);
  }
  get sent(): number { return this.flows.reduce((sum, f) => sum + f.sent, 0); }
  get received(): number { return this.flows.reduce((sum, f) => sum + f.received, 0); }
}

const workers = (config: JsonObject, count: number): void => { ((config['tenants'] as JsonObject[])[0] as JsonObject)['workers'] = count; };
const steeringOf = async (proxy: Sluice): Promise<JsonObject> => (await proxy.status())['udp_steering'] as JsonObject;

/** Sockets that the supervisor holds. */
function sockets(proxy: Sluice): number {
  return readdirSync(`/proc/${proxy.pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${proxy.pid}/fd/${fd}`).startsWith('socket:');
    } catch {
      return false;  // it was the descriptor of the folder
    }
  }).length;
}

async function settled(proxy: Sluice): Promise<void> {
  await eventually('the old generations being gone', async () => ((await proxy.status())['generations'] as JsonObject[]).length === 1 || undefined, 15_000);
}

for (const steering of steerings) {
  scenario(`flows stay with their worker through five upgrades, and nothing is lost (${steering})`, async (kit) => {
    const proxy = await kit.sluice({ config: { upgrade: { ...upgrade, udp_steering: steering }, tenants: [echo({ udp: { rate: 0, idle_timeout: '4s' } }, { workers: 2 })] } });
    assert.equal((await steeringOf(proxy))['kind'], steering);
    const address = proxy.address('echo');
    await sleep(100);  // the clients of the control socket have gone
    const before = sockets(proxy);
    const first = await Promise.all(Array.from({ length: 100 }, () => Flow.open(kit, address)));
    for (const flow of first) await flow.ask();
    assert.equal(new Set(first.map((f) => f.tags[0])).size, 2, 'both workers have flows');
    const chatter = new Chatter(first);
    // one flow for each datagram, as DNS has it
    let shots = 0;
    let answered = 0;
    let shooting = true;
    const shooter = (async () => {
      while (shooting) {
        const shot = await Flow.open({ ...kit, after: () => undefined }, address);
        shots += 1;
        await shot.ask().then(() => { answered += 1; }, () => undefined);
        (shot as unknown as { socket: Socket }).socket.close();
      }
    })();
    const later: Flow[] = [];
    for (const [index, count] of [4, 1, 3, 2, 2].entries()) {
      proxy.reconfigure((config) => workers(config, count));
      const record = await proxy.upgrade({ force: true, until: 'probation' });
      assert.equal(record['outcome'], 'done');
      const flow = await Flow.open(kit, address);
      assert.match(await flow.ask(), new RegExp(`^${index + 2}/`), 'a new flow belongs to the new generation');
      later.push(flow);
      await sleep(150);
    }
    for (const flow of later) await flow.ask();
    await chatter.stop();
    shooting = false;
    await shooter;
    for (const flow of [...first, ...later]) {
      assert.equal(flow.tags.length, 1, `a flow moved: ${flow.tags.join(', ')}`);
      assert.equal(flow.strangers, 0, 'an answer came from another address');
    }
    assert.equal(chatter.received, chatter.sent);
    assert.equal(answered, shots);
    await settled(proxy);
    await eventually('no socket too many', () => sockets(proxy) <= before || undefined);
    const after = await steeringOf(proxy);
    if (steering === 'bpf') assert.deepEqual([after['addresses'], after['ranges'], after['sockets']], [1, 1, 2]);
    const metrics = await proxy.metrics();
    assert.equal(metrics.sum('sluice_udp_received_total', { endpoint: 'echo' }), chatter.sent + shots + later.reduce((sum, f) => sum + f.sent, 0));
  }, { timeout: 60_000, skip: needsRoot(steering) });

  scenario(`a switch that is taken back takes datagrams back (${steering})`, async (kit) => {
    const proxy = await kit.sluice({
      crashes: 'expected',
      config: { upgrade: { ...upgrade, probation: '20s', probation_crashes: 1, udp_steering: steering }, tenants: [echo()] },
    });
    const address = proxy.address('echo');
    const old = await Flow.open(kit, address);
    assert.equal(await old.ask(), '1/0');
    const upgraded = proxy.upgrade({ force: true, until: 'probation' });
    await eventually('the switch', async () => (await proxy.status())['generation'] === 2 || undefined);
    const young = await Flow.open(kit, address);
    assert.equal(await young.ask(), '2/0');
    assert.equal(await old.ask(), '1/0');
    const worker = (await proxy.workers('main')).find((w) => w['generation'] === 2) as JsonObject;
    process.kill(worker['pid'] as number, 'SIGKILL');
    assert.equal((await upgraded)['outcome'], 'rolled_back');
    assert.equal(await old.ask(), '1/0');
    const next = await Flow.open(kit, address);
    assert.equal(await next.ask(), '1/0');
    await settled(proxy);
    assert.equal(await young.ask(), '1/0');
    assert.equal(old.strangers + next.strangers + young.strangers, 0);
  }, { skip: needsRoot(steering) });

  scenario(`flows are in the ledger and have a budget (${steering})`, async (kit) => {
    const budget = { ...upgrade, probation: '0s', drain: { ...upgrade.drain, flow: '700ms' }, udp_steering: steering };
    const proxy = await kit.sluice({ config: { upgrade: budget, tenants: [echo({ udp: { rate: 0, idle_timeout: '1h' } })] } });
    const flow = await Flow.open(kit, proxy.address('echo'));
    await flow.ask();
    const connections = await proxy.ctl('connections');
    assert.match(connections.stdout, /flow/);
    const record = await proxy.upgrade({ force: true });
    assert.deepEqual((record['ledger'] as JsonObject)['flows'], { open: 1, finished: 0, handed_over: 0, retry: 0, cut: 1, crashed: 0, unexplained: 0 });
    assert.equal(await flow.ask(), '2/0');
    assert.equal(flow.received, flow.sent);
  }, { skip: needsRoot(steering) });

  scenario(`a worker that dies is replaced, and the others keep their flows (${steering})`, async (kit) => {
    const proxy = await kit.sluice({ crashes: 'expected', config: { upgrade: { ...upgrade, udp_steering: steering }, tenants: [echo({}, { workers: 2 })] } });
    const flows = await Promise.all(Array.from({ length: 20 }, () => Flow.open(kit, proxy.address('echo'))));
    for (const flow of flows) await flow.ask();
    await proxy.upgrade({ force: true, until: 'probation' });
    const worker = (await proxy.workers('main')).find((w) => w['generation'] === 2 && w['index'] === 0) as JsonObject;
    process.kill(worker['pid'] as number, 'SIGKILL');
    await eventually('the next one', async () => (await proxy.workers('main')).some((w) => w['generation'] === 2 && w['index'] === 0 && w['state'] === 'ready' && w['pid'] !== worker['pid']) || undefined);
    await sleep(50);
    for (const flow of flows) {
      await flow.ask();
      assert.equal(flow.tags.length, 1, `a flow of the old generation moved: ${flow.tags.join(', ')}`);
    }
  }, { skip: needsRoot(steering) });

  scenario(`a new supervisor by exec finds sockets, maps and mailboxes as they were (${steering})`, async (kit) => {
    const proxy = await kit.sluice({ ownProgram: true, config: { upgrade: { ...upgrade, udp_steering: steering }, tenants: [echo({ udp: { rate: 0, idle_timeout: '20s' } }, { workers: 2 })] } });
    const first = await Promise.all(Array.from({ length: 20 }, () => Flow.open(kit, proxy.address('echo'))));
    for (const flow of first) await flow.ask();
    const chatter = new Chatter(first);
    await proxy.upgrade({ force: true, until: 'probation' });  // so that an old generation drains at the exec
    const second = await Flow.open(kit, proxy.address('echo'));
    assert.match(await second.ask(), /^2[/]/);
    for (const generation of [3, 4]) {
      proxy.replaceProgram();
      const record = await proxy.upgrade({ until: 'probation' });
      assert.equal(record['outcome'], 'done', JSON.stringify(record));
      assert.ok((record['events'] as JsonObject[]).some((e) => e['phase'] === 'exec'));
      const flow = await Flow.open(kit, proxy.address('echo'));
      assert.match(await flow.ask(), new RegExp(`^${generation}[/]`));
      assert.match(await second.ask(), /^2[/]/);
    }
    await chatter.stop();
    assert.equal(chatter.received, chatter.sent);
    for (const flow of first) assert.equal(flow.tags.length, 1, `a flow moved: ${flow.tags.join(', ')}`);
    const after = await steeringOf(proxy);
    assert.equal(after['kind'], steering);
    if (steering === 'bpf') assert.deepEqual([after['addresses'], after['sockets']], [1, 6]);  // without workers that had no flow
  }, { timeout: 60_000, skip: needsRoot(steering) });

  scenario(`addresses may come and go by an upgrade (${steering})`, async (kit) => {
    const proxy = await kit.sluice({ config: { upgrade: { ...upgrade, udp_steering: steering }, tenants: [echo()] } });
    const flow = await Flow.open(kit, proxy.address('echo'));
    assert.equal(await flow.ask(), '1/0');
    proxy.reconfigure((config) => {
      const tenant = (config['tenants'] as JsonObject[])[0] as JsonObject;
      const endpoint = (tenant['endpoints'] as JsonObject[])[0] as JsonObject;
      tenant['endpoints'] = [{ ...endpoint, name: 'other' }];
    });
    assert.equal((await proxy.upgrade({ until: 'commit' }))['to'], 2);
    const other = await Flow.open(kit, proxy.address('other'));
    assert.equal(await other.ask(), '2/0');
    assert.equal(await flow.ask(), '1/0');  // in the old generation, to the end of its flows
    const young = await Flow.open(kit, `127.0.0.1:${(flow as unknown as { port: number }).port}`);
    assert.equal(await young.ask(), '1/0');
    await settled(proxy);
    flow.send();
    await sleep(200);
    assert.equal(flow.received, flow.sent - 1);
  }, { skip: needsRoot(steering) });
}

scenario('answers leave from the address that was asked, also when it is bound to all', async (kit) => {
  const proxy = await kit.sluice({ config: { tenants: [echo({ listen: ['0.0.0.0:0', 'dual:[::]:0'], echo: { tag: true, anybody: true } })] } });
  const [v4, v6] = proxy.addressesOf('echo').map((a) => a.slice(a.lastIndexOf(':') + 1));
  for (const address of [`127.0.0.1:${v4}`, `127.0.0.9:${v4}`, `127.0.0.7:${v6}`, `[::1]:${v6}`]) {
    const flow = await Flow.open(kit, address);
    await flow.ask();
    assert.equal(flow.strangers, 0, address);
  }
});

scenario('a datagram of any size comes back whole', async (kit) => {
  const proxy = await kit.sluice({ config: { tenants: [echo({ echo: { tag: false } })] } });
  const flow = await Flow.open(kit, proxy.address('echo'));
  for (const size of [0, 1, 1200, 9000, 65_507]) {
    const before = flow.received;
    let length = -1;
    (flow as unknown as { socket: Socket }).socket.once('message', (bytes: Buffer) => { length = bytes.length; });
    flow.send('a'.repeat(size));
    await eventually(`${size} bytes`, () => flow.received > before || undefined);
    assert.equal(length, size);
  }
});

scenario('a source has its share of datagrams and flows', async (kit) => {
  const proxy = await kit.sluice({ config: { tenants: [echo({ udp: { rate: 10, burst: 5, flows_per_source: 2 } })] } });
  const [a, b, c] = await Promise.all([0, 1, 2].map(() => Flow.open(kit, proxy.address('echo'))));
  await a?.ask();
  await b?.ask();
  c?.send();
  await sleep(100);
  assert.equal(c?.received, 0);
  for (let i = 0; i < 50; ++i) a?.send();
  await sleep(300);
  const metrics = await proxy.metrics();
  assert.equal(metrics.sum('sluice_udp_dropped_total', { reason: 'source_flows' }), 1);
  assert.ok(metrics.sum('sluice_udp_dropped_total', { reason: 'rate' }) >= 40);
  assert.ok((a?.received ?? 0) < 12);
  assert.equal(metrics.sum('sluice_udp_flows_open', {}), 2);
});

scenario('a flow ends when it has been silent', async (kit) => {
  const proxy = await kit.sluice({ config: { tenants: [echo({ udp: { idle_timeout: '1s' } })] } });
  const flow = await Flow.open(kit, proxy.address('echo'));
  await flow.ask();
  assert.equal((await proxy.metrics()).sum('sluice_udp_flows_open', {}), 1);
  await eventually('its end', async () => (await proxy.metrics()).sum('sluice_udp_flows_open', {}) === 0 || undefined, 4000);
});

scenario('settings of the other protocol, and reflectors by mistake, are refused', async (kit) => {
  const proxy = await kit.sluice({ config: { tenants: [echo()] } });
  const file = `${proxy.folder}/wrong.json`;
  const check = async (...endpoints: JsonObject[]): Promise<string> => {
    writeFileSync(file, JSON.stringify({ tenants: [{ name: 't', endpoints }] }));
    const outcome = await runProgram('sluice', ['--check', '-c', file]);
    assert.equal(outcome.code, 2);
    return outcome.stderr;
  };
  const udp = { name: 'e', protocol: 'udp', mode: 'echo', listen: ['127.0.0.1:5000'] };
  assert.match(await check({ ...udp, http: { head_limit: '1KiB' } }), /http\.head_limit: belongs to "protocol: tcp"/);
  assert.match(await check({ ...udp, mode: 'forward' }), /has "mode: echo"/);
  assert.match(await check({ ...udp, listen: ['unix:/tmp/x'] }), /UNIX sockets are for/);
  assert.match(await check({ ...udp, listen: ['0.0.0.0:5000'] }), /reflects what anybody sends/);
  assert.match(await check({ ...udp, listen: ['192.0.2.1:5000'] }), /reflects what anybody sends/);
  assert.match(await check({ name: 'e', mode: 'forward', listen: ['127.0.0.1:5000'], udp: { rate: 5 } }), /udp\.rate: belongs to "protocol: udp"/);
  assert.match(await check({ name: 'e', mode: 'echo', listen: ['127.0.0.1:5000'] }), /echo belongs to "protocol: udp"/);
});

scenario('TCP and UDP may have the same port, and a port that is taken fails the upgrade', async (kit) => {
  const origin = await kit.origin();
  const stranger = createSocket('udp4');
  stranger.bind(0, '127.0.0.1');
  await once(stranger, 'listening');
  kit.after(() => void stranger.close());
  const web = reverse([origin.address]);
  const proxy = await kit.sluice({ config: { upgrade, tenants: [web] } });
  const port = Number(proxy.address('web').split(':').at(-1));
  proxy.reconfigure((config) => { (config['tenants'] as JsonObject[]).push(echo({ listen: [`127.0.0.1:${port}`] }, { name: 'udp' })); });
  assert.equal((await proxy.upgrade({ until: 'probation' }))['outcome'], 'done');
  const flow = await Flow.open(kit, `127.0.0.1:${port}`);
  assert.equal(await flow.ask(), '2/0');
  proxy.reconfigure((config) => { (config['tenants'] as JsonObject[]).push(echo({ listen: [`127.0.0.1:${stranger.address().port}`] }, { name: 'taken' })); });
  assert.equal((await proxy.upgrade())['outcome'], 'no_address');
  assert.equal(await flow.ask(), '2/0');
});

scenario('an ordinary user has flows passed on, and bpf fails the start', async (kit) => {
  const proxy = await kit.sluice({ config: { tenants: [echo()] } });
  const steering = await steeringOf(proxy);
  assert.equal(steering['kind'], 'forward');
  assert.match(String(steering['why']), /bpf/);
  assert.match((await proxy.ctl('status')).stdout, /passed on between generations/);
  await assert.rejects(kit.sluice({ config: { upgrade: { udp_steering: 'bpf' }, tenants: [echo()] } }), /sluice ended with 1[\s\S]*steering datagrams by BPF/);
}, { skip: root ? 'root has BPF' : undefined });

for (const steering of steerings) {
  scenario(`${steering}: the next supervisor takes over the addresses from the workers of a dead one`, async (kit) => {
    const probe = createSocket('udp4');
    probe.bind(0, '127.0.0.1');
    await once(probe, 'listening');
    const listen = [`127.0.0.1:${probe.address().port}`];
    await new Promise<void>((done) => void probe.close(() => done()));
    const config = { upgrade: { ...upgrade, udp_steering: steering }, tenants: [echo({ listen, udp: { rate: 0, idle_timeout: '1s' } }, { workers: 2 })] };
    const first = await kit.sluice({ crashes: 'expected', config });
    const flow = await Flow.open(kit, first.address('echo'));
    const tag = await flow.ask();
    const family = descendants(first.pid);
    kit.after(() => { for (const one of family) if (isAlive(one)) process.kill(one.pid, 'SIGKILL'); });
    first.signal('SIGKILL');
    await first.waitForExit();
    assert.equal(await flow.ask(), tag, 'its worker lives on');
    const second = await kit.sluice({ config, after: first });
    await eventually('the orphans leaving', () => family.every((one) => !isAlive(one)) || undefined);
    for (let i = 0; i < 5; ++i) {
      const later = await Flow.open(kit, second.address('echo'));
      assert.notEqual(await later.ask(), tag);
    }
    assert.notEqual(await flow.ask(), tag, 'the new one answers');
    assert.equal(flow.strangers, 0);
  }, { skip: needsRoot(steering) });
}
