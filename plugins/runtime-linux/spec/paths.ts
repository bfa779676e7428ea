/** Paths of /proc and /sys that tell of, or reach, the machine. Used by the spec builder and, to learn which exist here, by `facts.ts`. */
import { cpus } from 'node:os';

export const MASKED_PATHS: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
  ...cpus().map((_, index) => `/sys/devices/system/cpu/cpu${index}/thermal_throttle`),
];

export const READONLY_PATHS: readonly string[] = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];
