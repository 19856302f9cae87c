// The control socket and sluicectl: what an operator asks and hears.
import { statSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { assert, connectThrough, eventually, forward, reverse, runProgram, scenario, type JsonObject, type Sluice } from '../kit/index.js';

async function json(sluice: Sluice, ...args: string[]): Promise<JsonObject> {
  const { code, stdout, stderr } = await sluice.ctl('--json', ...args);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as JsonObject;
}

scenario('status names the tenants, the addresses and every protection with its reason', async ({ sluice, origin }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const human = await proxy.ctl('status');
  assert.equal(human.code, 0, human.stderr);
  for (const word of ['main', proxy.address('web'), 'seccomp']) assert.ok(human.stdout.includes(word), `${word} is not in\n${human.stdout}`);
  const status = await json(proxy, 'status');
  assert.equal(status['ready'], true);
  const text = JSON.stringify(status);
  for (const protection of ['no new privileges', 'no capabilities', 'seccomp', 'landlock']) assert.ok(text.includes(protection), protection);
});

scenario('workers lists each worker with its process', async ({ sluice, origin }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address], {}, { workers: 2 })] } });
  const workers = (await json(proxy, 'workers'))['workers'] as JsonObject[];
  const mine = workers.filter((w) => w['tenant'] === 'main');
  assert.equal(mine.length, 2);
  for (const worker of mine) process.kill(worker['pid'] as number, 0);
  assert.equal(new Set(mine.map((w) => w['pid'])).size, 2);
});

scenario('connections shows a live connection and forgets it afterwards', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => void (await c.reader.toEnd()));
  const proxy = await sluice({ config: { tenants: [forward({ connect: { ports: [] } })] } });
  const client = await connect(proxy.address('proxy'));
  await connectThrough(client, server.address);
  const port = String(client.socket.localPort);
  const listed = async (): Promise<boolean> => JSON.stringify(await json(proxy, 'connections')).includes(`:${port}`);
  await eventually('the connection in the list', listed);
  assert.ok((await proxy.ctl('connections')).stdout.includes(`:${port}`));
  client.close();
  await eventually('the connection leaving the list', async () => !(await listed()));
});

scenario('config shows what is in force', async ({ sluice, origin }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const { code, stdout } = await proxy.ctl('config');
  assert.equal(code, 0);
  assert.ok(stdout.includes(server.address));
  assert.ok(stdout.includes('keepalive_timeout'), 'defaults are part of it');
});

scenario('log-level changes what is written', async ({ sluice, origin }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  assert.equal((await proxy.ctl('log-level', 'debug')).code, 0);
  assert.notEqual((await proxy.ctl('log-level', 'loud')).code, 0);
});

scenario('stop ends Sluice in order', async ({ sluice, origin }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const { code, stderr } = await proxy.ctl('stop');
  assert.equal(code, 0, stderr);
  assert.equal(await proxy.waitForExit(), 0);
});

scenario('sluicectl says by its exit code that nobody answers', async () => {
  const { code, stderr } = await runProgram('sluicectl', ['--socket', '/nonexistent/control.sock', 'status']);
  assert.notEqual(code, 0);
  assert.match(stderr, /nonexistent/);
});

scenario('sluicectl finds a socket by a path from the working folder', async ({ sluice, origin }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  // where we are an ordinary user may not be able to come from
  const folder = dirname(dirname(proxy.controlPath));
  const { code, stderr } = await runProgram('sluicectl', ['--socket', relative(folder, proxy.controlPath), 'status'], { folder });
  assert.equal(code, 0, stderr);
});

scenario('the control socket is for its owner alone', async ({ sluice, origin }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  assert.equal(statSync(proxy.controlPath).mode & 0o777, 0o600);
});

scenario('nonsense on the control socket is answered, not believed', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  for (const bytes of ['\n', 'hello\n', '{}\n', '{"command":17}\n', '{"command":"fly"}\n', `${'['.repeat(10_000)}\n`, 'x'.repeat(2 << 20)]) {
    const client = await connect(`unix:${proxy.controlPath}`);
    await client.send(bytes).catch(() => undefined);
    await client.end().catch(() => undefined);
    await client.reader.toEnd().catch(() => undefined);
  }
  assert.equal((await proxy.status())['ready'], true);
});

scenario('connections shows the bytes of a tunnel while it lives, and once', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => {
    await c.reader.exactly(1000, 'what the client sends');
    await c.send(Buffer.alloc(5000));
    await c.reader.closed().catch(() => undefined);
  });
  const proxy = await sluice({ config: { tenants: [forward({ connect: { ports: [] } })] } });
  const client = await connect(proxy.address('proxy'));
  await connectThrough(client, server.address);
  await client.send(Buffer.alloc(1000));
  await client.reader.exactly(5000, 'what the origin sends');
  const [row] = (await json(proxy, 'connections', '--tenant', 'main'))['connections'] as JsonObject[];
  assert.equal(row?.['state'], 'tunnel');
  assert.equal(row?.['bytes_in'], 1000);
  assert.equal(row?.['bytes_out'], 5000);
});
