/**
 * What a container of the image `host` does not see of the machine. Goes out: paths, each hidden behind an empty folder or an empty file. Called by the driver.
 *
 * The root filesystem of the machine is that image's lower layer, so whatever root may read there could be read inside. Hidden is what gives power beyond the
 * container: keys, password hashes, tokens, other containers' data, control sockets, and people's own files. Programs, libraries and plain configuration stay.
 * A machine may keep secrets elsewhere: `hostMasks` of the plugin's options adds to the list.
 */
export const hostMasks: readonly string[] = Object.freeze([
  // passwords, and who may become whom
  '/etc/shadow', '/etc/shadow-', '/etc/gshadow', '/etc/gshadow-', '/etc/security/opasswd', '/etc/sudoers', '/etc/sudoers.d', '/etc/doas.conf', '/etc/krb5.keytab',
  // keys of services
  '/etc/ssh', '/etc/ssl/private', '/etc/pki/tls/private', '/etc/letsencrypt', '/etc/wireguard', '/etc/openvpn', '/etc/ipsec.d', '/etc/ipsec.secrets', '/etc/ppp',
  '/etc/NetworkManager/system-connections', '/etc/netplan', '/etc/wpa_supplicant', '/var/lib/iwd', '/var/lib/NetworkManager', '/etc/exim4/passwd.client', '/etc/postfix/sasl',
  '/etc/luks', '/etc/cryptsetup-keys.d', '/etc/crypttab', '/etc/machine-id', '/var/lib/dbus/machine-id', '/etc/credstore', '/etc/credstore.encrypted', '/var/lib/systemd',
  // clusters and clouds
  '/etc/kubernetes', '/var/lib/kubelet', '/var/lib/etcd', '/etc/rancher', '/var/lib/rancher', '/var/lib/cloud', '/etc/cloud',
  // other container engines, their images, and virtual machines
  '/var/lib/docker', '/etc/docker', '/var/lib/containerd', '/etc/containers', '/var/lib/containers', '/var/lib/lxc', '/var/lib/lxd', '/var/lib/libvirt', '/var/lib/machines', '/var/lib/core',
  // data of services, mail, jobs, logs, traces of crashes
  '/var/lib/mysql', '/var/lib/postgresql', '/var/lib/redis', '/var/lib/mongodb', '/var/mail', '/var/spool', '/var/backups', '/var/crash', '/var/lib/private', '/var/cache/private',
  '/var/lib/sss', '/var/lib/samba/private', '/var/lib/gdm3', '/var/lib/AccountsService',
  // what runs: sockets, pid files, tokens; and what is mounted or lies about
  '/var/run', '/srv', '/mnt', '/media', '/boot', '/efi', '/lost+found', '/swapfile', '/swap.img',
]);

/** Hidden as well, but programs want to write there: people's own files, what is temporary, what runs, what is logged. */
export const hostScratch: ReadonlyArray<{ readonly path: string; readonly mode: number }> = Object.freeze([
  { path: '/root', mode: 0o700 },
  { path: '/home', mode: 0o755 },
  { path: '/tmp', mode: 0o1777 },
  { path: '/var/tmp', mode: 0o1777 },
  { path: '/var/log', mode: 0o755 },
  { path: '/run', mode: 0o755 },
]);
