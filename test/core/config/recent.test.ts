import test from 'ava';
import { parseContainerOptions } from '#core/config/container-options.js';
import { Recent } from '#core/config/recent.js';

interface Input {
  readonly name: string;
  readonly parts?: string[] | undefined;
  readonly work?: () => void;
}

function counting(): { recent: Recent<Input, { name: string; parts: string[] }>; work: (input: Input) => { name: string; parts: string[] }; calls: () => number } {
  let calls = 0;
  const work = ({ name, parts = [] }: Input) => {
    calls++;
    return { name: name.toUpperCase(), parts: [...parts] };
  };
  return { recent: new Recent(), work, calls: () => calls };
}

test('an equal input is not worked out again', (t) => {
  const { recent, work, calls } = counting();
  const first = recent.of({ name: 'a', parts: ['x'] }, work);
  t.is(recent.of({ name: 'a', parts: ['x'] }, work), first);
  t.is(calls(), 1);
});

test('an input its owner changed afterwards is another one', (t) => {
  const { recent, work } = counting();
  const parts = ['x'];
  const input = { name: 'a', parts };
  recent.of(input, work);
  parts.push('y');
  t.deepEqual(recent.of(input, work).parts, ['x', 'y']);
  t.deepEqual(recent.of({ name: 'a', parts: ['x'] }, work).parts, ['x']);
});

test('absent and undefined are not equal, nor are values of two types', (t) => {
  const { recent, work, calls } = counting();
  recent.of({ name: '1' }, work);
  recent.of({ name: '1', parts: undefined }, work);
  t.is(calls(), 2);
  t.throws(() => recent.of({ name: 1 as unknown as string }, work), { instanceOf: TypeError });
});

test('what cannot be copied is worked out each time', (t) => {
  const { recent, work, calls } = counting();
  const input = { name: 'a', work: () => {} };
  recent.of(input, work);
  recent.of(input, work);
  t.is(calls(), 2);
});

test('only the last few are remembered', (t) => {
  const { recent, work, calls } = counting();
  for (let number = 0; number < 9; number++) recent.of({ name: String(number) }, work);
  recent.of({ name: '8' }, work);
  t.is(calls(), 9);
  recent.of({ name: '0' }, work);
  t.is(calls(), 10);
});

test('no caller can change the options of the next, and the caller\'s own stay as they were', (t) => {
  const options = { image: 'host', env: { A: '1' }, mounts: [{ type: 'tmpfs' as const, target: '/x' }] };
  const settings = parseContainerOptions(options);
  t.true(Object.isFrozen(settings) && Object.isFrozen(settings.mounts) && Object.isFrozen(settings.mounts[0]));
  t.false(Object.isFrozen(options) || Object.isFrozen(options.env) || Object.isFrozen(options.mounts[0]));
});
