/** What plugins may import. A name added here is a promise; one taken away breaks plugins. */
import test from 'ava';
import * as surface from '@core/core/plugin';

test('the public surface of @core/core/plugin', (t) => {
  t.deepEqual(Object.keys(surface).toSorted(), [
    'CoreError', 'Engine', 'Images', 'Layers', 'Runtime', 'call', 'catalogue', 'defineContract', 'definePlugin', 'isCoreError', 'mapMethods', 'methodList',
    'methodOf', 'optional', 'stream', 'toCoreError',
  ]);
});
