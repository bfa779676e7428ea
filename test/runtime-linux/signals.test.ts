import test from 'ava';
import { signalName, signalNumber } from '#runtime-linux/signals.js';

for (const [text, number] of [['SIGKILL', 9], ['kill', 9], ['TERM', 15], ['15', 15], ['SIGRTMIN', 34], ['SIGRTMIN+3', 37], ['rtmax-1', 63], ['SIGABRT', 6], ['SIGIOT', 6]] as const) {
  test(`${text} is ${number}`, (t) => t.is(signalNumber(text), number));
}
for (const text of ['', 'SIGNONSENSE', '0', '65', '-9', 'SIGRTMIN+99', 'SIGRTMAX+1', '9.5']) {
  test(`${JSON.stringify(text)} is no signal`, (t) => {
    t.throws(() => signalNumber(text), { code: 'E_INVALID' });
  });
}
for (const [number, name] of [[9, 'SIGKILL'], [6, 'SIGABRT'], [15, 'SIGTERM'], [37, 'SIGRTMIN+3']] as const) {
  test(`${number} is called ${name}`, (t) => t.is(signalName(number), name));
}
