// sluicectl diff: what an upgrade would do, and that asking does nothing.
import { assert, forward, reverse, scenario, type JsonObject } from '../kit/index.js';

function tenant(config: JsonObject, index = 0): JsonObject {
  return (config['tenants'] as JsonObject[])[index] as JsonObject;
}

scenario('diff shows beforehand what an upgrade would do, and does nothing', async ({ sluice, origin }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address]), forward({}, { name: 'out' })] } });
  const diff = async (): Promise<{ code: number | null; result: JsonObject; text: string }> => {
    const { code, stdout } = await proxy.ctl('--json', 'diff');
    const plain = await proxy.ctl('diff');
    assert.equal(plain.code, code);
    return { code, result: JSON.parse(stdout) as JsonObject, text: plain.stdout };
  };
  assert.equal((await diff()).code, 0);

  proxy.reconfigure((config) => { config['upgrade'] = { keep: 7 }; });
  const small = await diff();
  assert.equal(small.code, 4);
  assert.equal(small.result['verdict'], 'in_place');
  assert.deepEqual(small.result['changes'], [{ path: 'upgrade.keep', before: 20, after: 7, needs: 'in place' }]);
  assert.match(small.text, /upgrade\.keep +20 +7 +in place/);

  proxy.reconfigure((config) => { tenant(config)['workers'] = 2; });
  const large = await diff();
  assert.equal(large.code, 5);
  assert.equal(large.result['verdict'], 'generation');
  assert.equal((await proxy.status())['generation'], 1, 'asking has done something');

  proxy.reconfigure((config) => { tenant(config)['workers'] = 70_000; });
  const wrong = await diff();
  assert.equal(wrong.code, 10);
  assert.match(wrong.text, /70000 is neither/);

  proxy.reconfigure((config) => { tenant(config)['workers'] = 1; config['log'] = { format: 'human' }; });
  const restart = await diff();
  assert.equal(restart.code, 18);
  assert.match(restart.text, /log\.format can be changed only by a restart/);

  proxy.reconfigure((config) => { config['log'] = { format: 'json' }; config['application'] = { program: '/nowhere/at/all' }; });
  assert.equal((await diff()).code, 31);

  const password = `pbkdf2-sha256:256:${'ab'.repeat(16)}:${'cd'.repeat(32)}`;
  proxy.reconfigure((config) => {
    delete config['application'];
    ((tenant(config, 1)['endpoints'] as JsonObject[])[0] as JsonObject)['proxy_auth'] = { enabled: true, users: { ada: password } };
  });
  const secret = await diff();
  assert.ok([4, 5].includes(secret.code ?? -1), `${secret.code} ${JSON.stringify(secret.result)}`);
  assert.ok(!JSON.stringify(secret.result).includes(password), 'a secret was shown');

  // what upgrade does is what diff said
  proxy.reconfigure((config) => {
    delete ((tenant(config, 1)['endpoints'] as JsonObject[])[0] as JsonObject)['proxy_auth'];
  });
  assert.equal((await diff()).code, 4);
  assert.equal((await proxy.upgrade())['outcome'], 'in_place');
  assert.equal((await diff()).code, 0);
});
