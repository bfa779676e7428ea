/** Settings of the whole machine, smuggled in as settings of the container. The values are those that are in force, so that the machine is none the worse. */
import { readFileSync } from 'node:fs';
import type { ContainerOptions } from '@core/core/plugin';
import { escape } from './support/escape.js';
import type { Stage } from '../helpers/stage.js';

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
    const value = read();
    const names = ['kernel.core_pattern', 'kernel/core_pattern', 'net.ipv4.ip_forward+kernel.core_pattern', 'net/../kernel/core_pattern', 'net.ipv4.../../kernel/core_pattern', 'net.ipv4.ip_forward\nkernel.core_pattern'];
    for (const name of names) if (await starts(stage, { sysctls: { [name]: value } })) return true;
    // Its own of the network are the machine's where the network is.
    if (await starts(stage, { network: 'host', sysctls: { 'net.ipv4.ip_forward': readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim() } })) return true;
    for (const between of ['+', '\n', ' ', ',']) {
      const sysctls = { 'kernel.shm_rmid_forced': `1${between}kernel.domainname=smuggled` };
      const said = await stage.through({ sysctls }, 'cat /proc/sys/kernel/domainname').then(({ out }) => out, () => 'refused');
      t.log(JSON.stringify(sysctls), said);
      if (said.includes('smuggled')) return true;
    }
    return false;
  },
});

async function starts(stage: Stage, options: Partial<ContainerOptions>): Promise<boolean> {
  return stage.through(options, 'true').then(() => true, () => false);
}
