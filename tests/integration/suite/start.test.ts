// Starting: the command line, the configuration and what is said about its faults.
import { mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert, reverse, runProgram, scenario, type Kit, type Outcome } from '../kit/index.js';

async function check({ after }: Pick<Kit, 'after'>, text: string, ...options: string[]): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-config-'));
  after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'sluice.yaml');
  writeFileSync(file, text);
  return runProgram('sluice', [...options, '-c', file]);
}

const good = `tenants:
  - name: main
    endpoints:
      - name: web
        listen: ["127.0.0.1:0"]
        routes:
          - upstream: origin
    upstreams:
      - name: origin
        servers: ["127.0.0.1:1"]
`;

scenario('--version says the name and the version', async () => {
  const { code, stdout } = await runProgram('sluice', ['--version']);
  assert.equal(code, 0);
  assert.match(stdout, /^sluice \d+\.\d+\.\d+/);
});

scenario('--check accepts a good configuration and starts nothing', async (kit) => {
  const { code, stderr } = await check(kit, good, '--check');
  assert.equal(code, 0, stderr);
});

scenario('all faults of a configuration are told at once, with their places, and the exit code is 2', async (kit) => {
  const bad = good.replace('name: web', 'name: web\n        lisen: []').replace('servers: ["127.0.0.1:1"]', 'servers: [17]')
    .replace('- name: main', '- name: main\n    workers: 70000\n    tunel: {}');
  for (const options of [['--check'], []]) {
    const { code, stderr, stdout } = await check(kit, bad, ...options);
    const said = stderr + stdout;
    assert.equal(code, 2, said);
    assert.match(said, /sluice\.yaml:\d+:\d+: .*workers.*70000/);
    assert.match(said, /lisen.*(did you mean|meant).*listen/);
    assert.match(said, /tunel/);
    assert.match(said, /servers/);
  }
});

scenario('text that is not YAML is refused with its place', async (kit) => {
  for (const text of ['tenants: [', 'a: 1\na: 2\n', 'a: &x 1\nb: *x\n', '', '- 1\n', '\t\n', 'tenants: !!binary aa\n']) {
    const { code, stderr, stdout } = await check(kit, text, '--check');
    assert.equal(code, 2, `${JSON.stringify(text)}: ${stdout}${stderr}`);
    assert.match(stderr + stdout, /sluice\.yaml/);
  }
});

scenario('a file that cannot be read is refused', async () => {
  const { code, stderr, stdout } = await runProgram('sluice', ['--check', '-c', '/nonexistent/sluice.yaml']);
  assert.equal(code, 2);
  assert.match(stderr + stdout, /nonexistent/);
});

scenario('two endpoints on one address are refused before anything starts', async (kit) => {
  const { code, stderr, stdout } = await check(kit, `${good}  - name: other
    endpoints:
      - {name: a, listen: ["127.0.0.1:4711"], mode: forward}
      - {name: b, listen: ["127.0.0.1:4711"], mode: forward}
`, '--check');
  assert.equal(code, 2);
  assert.match(stderr + stdout, /4711/);
});

scenario('the schema is JSON and knows the sections', async () => {
  const { code, stdout } = await runProgram('sluice', ['--print-schema']);
  assert.equal(code, 0);
  const schema = JSON.parse(stdout) as { properties: Record<string, unknown> };
  for (const section of ['tenants', 'log', 'control', 'admin']) assert.ok(section in schema.properties, section);
});

scenario('the default configuration is valid as it is printed', async (kit) => {
  const { code, stdout } = await runProgram('sluice', ['--print-default-config']);
  assert.equal(code, 0);
  assert.match(stdout, /^\s*#/m);
  const checked = await check(kit, stdout, '--check');
  assert.equal(checked.code, 0, checked.stderr);
});

scenario('an address that is taken is said plainly', async ({ sluice, origin }) => {
  const taken = await origin();
  const failing = sluice({ config: { tenants: [reverse([taken.address], { listen: [taken.address] })] } });
  await assert.rejects(failing, new RegExp(`${taken.port}[^]*(in use|EADDRINUSE)|(in use|EADDRINUSE)[^]*${taken.port}`));
});

scenario('UNIX and IPv6 listeners serve like the others', async ({ sluice, origin, connect, after }) => {
  const server = await origin();
  const folder = mkdtempSync(join(tmpdir(), 'sluice-unix-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const ipv6 = /^[0-9a-f]{32} .* lo$/m.test(tryRead('/proc/net/if_inet6'));
  const listen = [`unix:${join(folder, 'web.sock')}`, ...(ipv6 ? ['[::1]:0', 'dual:[::]:0'] : [])];
  const proxy = await sluice({ config: { tenants: [reverse([server.address], { listen })] } });
  const addresses = proxy.addressesOf('web');
  assert.equal(addresses.length, listen.length);
  for (const address of addresses) {
    const client = await connect(address.replace('dual:', ''));
    assert.equal((await client.ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).text, 'origin', address);
  }
  const dual = addresses.find((a) => a.includes('[::]'));
  if (dual !== undefined) {
    const v4 = await connect(`127.0.0.1:${dual.split(':').at(-1) ?? ''}`);
    assert.equal((await v4.ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).text, 'origin');
  }
});

function tryRead(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
