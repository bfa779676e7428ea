#!/bin/sh
# Becomes an ordinary user of a machine that has none prepared. Comes in: FOLDER TREE NODE ARGUMENTS..., as root of a mount and a network namespace of its own. Goes out:
# Node run with the arguments in TREE, as user 4242 who has ids of his own, a home and a run folder in FOLDER, and with DELEGATED set groups of his own of that name.
# Called by ordinary-user.mjs; what is mounted and linked here ends with the namespaces.
set -eu
folder=$1 tree=$2 node=$3
shift 3

# A copy, for nothing of the machine's is written.
cp -a /etc "$folder/etc"
echo "ordinary:x:4242:4242::$folder/home:/bin/sh" >> "$folder/etc/passwd"
for file in subuid subgid; do echo 'ordinary:300000:65536' > "$folder/etc/$file"; done
mount --bind "$folder/etc" /etc

# A link that leads nowhere is enough of an outside: what is sent over it to an address of our own comes back to us.
outside=
if command -v ip >/dev/null; then
  ip link set lo up
  if ip link add up0 type veth peer name up1; then
    ip address add 10.77.0.2/24 dev up0
    ip link set up0 up
    ip link set up1 up
    ip route add default via 10.77.0.1
    outside=10.88.0.1
    ip address add $outside/32 dev lo
  fi
fi
# Everywhere but here anybody may open it. Root of a user namespace can make none.
if [ -c /dev/net/tun ] && mknod -m 666 "$folder/tun" c 10 200; then
  mount --bind "$folder/tun" /dev/net/tun
fi

# As systemd hands groups over: the folder and what processes are moved by, not the limits of the group itself.
if [ -n "${DELEGATED:-}" ]; then
  for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/*; do
    [ -e "$hierarchy/cgroup.procs" ] || continue
    group=$hierarchy/$DELEGATED
    mkdir "$group"
    for file in cpuset.cpus cpuset.mems; do [ ! -e "$group/$file" ] || cat "$hierarchy/$file" > "$group/$file"; done
    for file in . cgroup.procs tasks cgroup.threads cgroup.subtree_control; do [ ! -e "$group/$file" ] || chown 4242:4242 "$group/$file"; done
    echo $$ > "$group/cgroup.procs"
  done
fi

# Tree and Node may lie where only root comes, as in root's home.
mkdir "$folder/tree" "$folder/home" "$folder/run"
touch "$folder/node"
mount --bind "$tree" "$folder/tree"
mount --bind "$node" "$folder/node"
chown 4242:4242 "$folder/home" "$folder/run"
chmod 700 "$folder/home" "$folder/run"
cd "$folder/tree"
exec setpriv --reuid 4242 --regid 4242 --clear-groups -- \
  env HOME="$folder/home" TMPDIR="$folder/home" XDG_RUNTIME_DIR="$folder/run" E2E_OUTSIDE="$outside" "$folder/node" "$@"
