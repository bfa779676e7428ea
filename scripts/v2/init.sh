#!/bin/sh
# Pid 1 of the machine of the v2 tier: mounts what a distribution would, only cgroup2 of all hierarchies, runs the tests and turns the machine off.
# The console is ttyS0; the tests' TAP goes out by ttyS1, and last of all the line by which the host knows that they came to their end.
export PATH=/bin:/usr/bin HOME=/root TMPDIR=/tmp CI=true FORCE_COLOR=0
mount -t proc proc /proc
mount -t sysfs sysfs /sys
[ -c /dev/null ] || mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/shm /dev/pts
mount -t devpts -o ptmxmode=666 devpts /dev/pts
# /tmp stays on the disk: ids cannot be mapped on this kernel's tmpfs.
for folder in /dev/shm /run; do mount -t tmpfs -o mode=1777 tmpfs $folder; done
mount -t securityfs securityfs /sys/kernel/security
mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
for module in /lib/modules/*.ko; do insmod "$module"; done
ip link set lo up
stty -F /dev/ttyS1 raw
mount -t ext4 /dev/nvme1n1 /work

# As systemd has it: no process but the kernel's own stays in the root group.
mkdir -p /sys/fs/cgroup/init.scope
echo $$ > /sys/fs/cgroup/init.scope/cgroup.procs

cd /work
node node_modules/.bin/ava --config ava.v2.config.mjs --tap > /dev/ttyS1
echo "# v2 ended with $?" > /dev/ttyS1
reboot -f
