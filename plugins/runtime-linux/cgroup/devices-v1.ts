/** OCI device rules as writes to v1's devices.allow and devices.deny, in order. Called by the plan compiler. */
import type { Oci } from '@core/core/plugin';
import type { LimitWrite } from './limits.js';

export function deviceWrites(rules: readonly Oci.DeviceRule[]): LimitWrite[] {
  return rules.map((rule) => ({ file: rule.allow ? 'devices.allow' : 'devices.deny', value: ruleText(rule) }));
}

function ruleText({ type = 'a', major, minor, access = 'rwm' }: Oci.DeviceRule): string {
  // `a` alone also resets the list of exceptions, which `a *:* rwm` does not do on every kernel.
  if (type === 'a' && major === undefined && minor === undefined) return 'a';
  return `${type} ${number(major)}:${number(minor)} ${access}`;
}

function number(value: number | undefined): string {
  return value === undefined || value < 0 ? '*' : String(value);
}
