#!/bin/sh
# Becomes an ordinary user of a machine that has none prepared. Comes in: FOLDER TREE NODE ARGUMENTS..., as root of a mount namespace of its own. Goes out: Node run with
# the arguments in TREE, as user 4242 who has ids of his own, a home and a run folder in FOLDER. Called by ordinary-user.mjs; what is mounted here ends with the namespace.
set -eu
folder=$1 tree=$2 node=$3
shift 3

# A copy, for nothing of the machine's is written.
cp -a /etc "$folder/etc"
echo "ordinary:x:4242:4242::$folder/home:/bin/sh" >> "$folder/etc/passwd"
for file in subuid subgid; do echo 'ordinary:300000:65536' > "$folder/etc/$file"; done
mount --bind "$folder/etc" /etc

# Tree and Node may lie where only root comes, as in root's home.
mkdir "$folder/tree" "$folder/home" "$folder/run"
touch "$folder/node"
mount --bind "$tree" "$folder/tree"
mount --bind "$node" "$folder/node"
chown 4242:4242 "$folder/home" "$folder/run"
chmod 700 "$folder/home" "$folder/run"
cd "$folder/tree"
exec setpriv --reuid 4242 --regid 4242 --clear-groups -- \
  env HOME="$folder/home" TMPDIR="$folder/home" XDG_RUNTIME_DIR="$folder/run" "$folder/node" "$@"
