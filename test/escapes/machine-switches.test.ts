/** Files of /proc that switch the whole machine, or hold its memory. They are opened only. */
import { escapeInside } from './support/inside.js';

const SWITCHES = ['sysrq-trigger', 'sys/kernel/core_pattern', 'sys/kernel/modprobe', 'sys/vm/overcommit_memory', 'irq/default_smp_affinity'];

escapeInside({
  name: 'the machine\'s switches and memory by /proc: sysrq, core_pattern, modprobe, kcore',
  line: `for file in ${SWITCHES.join(' ')}; do probe open /proc/$file w; done; head -c 4 /proc/kcore`,
  success: /^ok$|ELF/m,
  weakened: { privileged: true },
  // Whoever is root inside and on the machine.
  also: [{ seccomp: 'unconfined' }, { namespaces: { pid: 'host' } }],
});
