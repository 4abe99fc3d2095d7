import test from 'ava';
import { parseSettings } from '../../forwarder/host/settings.ts';
import { readSettings } from '../src/config/index.ts';

test('the forwarder by itself has the defaults of the appliance', async (t) => {
  t.deepEqual<object, object>((await readSettings('', 'defaults')).forwarder, parseSettings({}));
});
