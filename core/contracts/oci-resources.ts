/** `linux.resources` of the OCI runtime specification as types; part of `oci-runtime.ts`, which hands it on. */
export interface DeviceRule {
  allow: boolean;
  type?: 'a' | 'c' | 'b';
  major?: number;
  minor?: number;
  access?: string;
}

export interface WeightDevice {
  major: number;
  minor: number;
  weight?: number;
  leafWeight?: number;
}

export interface ThrottleDevice {
  major: number;
  minor: number;
  rate: number;
}

/** Memory values are bytes, cpu times microseconds; -1 means no limit where the specification says so. */
export interface Resources {
  devices?: DeviceRule[];
  memory?: {
    limit?: number;
    reservation?: number;
    /** Memory plus swap, as in cgroup v1. */
    swap?: number;
    swappiness?: number;
    disableOOMKiller?: boolean;
    /** No kernel this runtime works with keeps such a limit: accepted, with a warning. */
    kernel?: number;
    kernelTCP?: number;
    useHierarchy?: boolean;
    checkBeforeUpdate?: boolean;
  };
  cpu?: {
    shares?: number;
    quota?: number;
    burst?: number;
    period?: number;
    realtimeRuntime?: number;
    realtimePeriod?: number;
    cpus?: string;
    mems?: string;
    idle?: number;
  };
  pids?: { limit?: number };
  blockIO?: {
    weight?: number;
    leafWeight?: number;
    weightDevice?: WeightDevice[];
    throttleReadBpsDevice?: ThrottleDevice[];
    throttleWriteBpsDevice?: ThrottleDevice[];
    throttleReadIOPSDevice?: ThrottleDevice[];
    throttleWriteIOPSDevice?: ThrottleDevice[];
  };
  hugepageLimits?: Array<{ pageSize: string; limit: number }>;
  network?: { classID?: number; priorities?: Array<{ name: string; priority: number }> };
  /** By device, such as `mlx5_0`. */
  rdma?: Record<string, { hcaHandles?: number; hcaObjects?: number }>;
  /** Files of cgroup v2 and what to write into them. */
  unified?: Record<string, string>;
}
