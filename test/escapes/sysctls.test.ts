/** Settings of the whole machine, smuggled in as settings of the container. The values are those that are in force, so that the machine is none the worse. */
import { readFileSync } from 'node:fs';
import { escape } from './support/escape.js';

const read = (): string => readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();

escape({
  name: 'sysctls of the machine, by name and by value',
  cves: ['2022-0811'],
  async weakened(at) {
    // What the executor is told it does: the rules are above it. This one is not on any list, and harmless.
    const { lines } = await (await at.executor()).once('weak', { argv: ['cat', '/proc/sys/kernel/domainname'], last: [['sysctl', 'kernel.domainname', 'smuggled'], ['nnp']] });
    return lines.includes('smuggled');
  },
  async ours({ stage, t }) {
    const before = read();
    const smuggled: Array<Record<string, string>> = [
      { 'kernel.core_pattern': before },
      { 'kernel/core_pattern': before },
      { 'kernel.shm_rmid_forced': `1+kernel.core_pattern=${before}` },
      { 'kernel.shm_rmid_forced': `1\nkernel.core_pattern=${before}` },
      { 'net.ipv4.ip_forward+kernel.core_pattern': before },
      { 'net/../kernel/core_pattern': before },
      { 'net.ipv4.../../kernel/core_pattern': before },
      { 'kernel.domainname': 'smuggled' },
    ];
    for (const sysctls of smuggled) {
      const accepted = await stage.through({ sysctls }, 'true').then(() => true, () => false);
      t.is(read(), before);
      if (accepted) return true;
    }
    return stage.through({ network: 'host', sysctls: { 'net.ipv4.ip_forward': readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim() } }, 'true').then(() => true, () => false);
  },
});
