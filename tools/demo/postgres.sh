# shellcheck shell=bash disable=SC2154

# The demo's own PostgreSQL: a cluster under the run folder.
#
# Over the Unix socket access is by trust: who can enter its folder is the
# user that the server runs as, the web server's group and root.  Over the
# loopback port it takes a password, and only one role may come.

pg_start() {
    pg_data=$run/pg/data
    pg_socket=$run/pg/socket

    if pg_running; then
        pg_port=$(saved_port FLAGSHIP_PG_PORT)
        return
    fi

    [ -n "$pg_bin" ] || fail "PostgreSQL is not installed: tools/setup run"

    pg_init
    pg_forget_dead

    local try

    for try in 1 2 3; do
        choose FLAGSHIP_PG_PORT 5433
        pg_port=$port
        pg_configure

        if as "$pg_user" "$pg_bin/pg_ctl" -D "$pg_data" -l "$run/pg/log" \
            -w -t 60 -s start >"$run/pg/start.log" 2>&1 9<&-
        then
            say "PostgreSQL started on port $pg_port"
            return
        fi

        # backends of a killed server need a moment; a port may be lost to
        # another copy that starts right now
        sleep "$try"
    done

    tail -n 20 "$run/pg/start.log" "$run/pg/log" >&2
    fail "PostgreSQL did not start"
}


pg_stop() {
    pg_data=$run/pg/data
    pg_socket=$run/pg/socket

    pg_running || return 0

    as "$pg_user" "$pg_bin/pg_ctl" -D "$pg_data" -m fast -w -t 60 -s stop ||
        as "$pg_user" "$pg_bin/pg_ctl" -D "$pg_data" -m immediate -s stop ||
        true

    say "PostgreSQL stopped"
}


pg_running() {
    local port

    port=$(saved_port FLAGSHIP_PG_PORT)

    [ -n "$port" ] && [ -n "$pg_bin" ] &&
        "$pg_bin/pg_isready" -q -h "$pg_socket" -p "$port"
}


# Either whole or not at all: an initdb that was cut short leaves no data

pg_init() {
    mkdir -p "$run/pg"

    if [ -n "$pg_user" ]; then
        chown "$pg_user" "$run/pg"
        install -d -o "$pg_user" -g "$(id -g "$web_user")" -m 750 "$pg_socket"
    else
        chmod 700 "$run/pg"
        install -d -m 700 "$pg_socket"
    fi

    if [ ! -d "$pg_data" ]; then
        rm -rf "$pg_data.new"

        as "$pg_user" "$pg_bin/initdb" -D "$pg_data.new" -U postgres \
            -A trust -E UTF8 --locale=C.UTF-8 --no-sync --no-instructions \
            >"$run/pg/initdb.log" 2>&1 || {
                cat "$run/pg/initdb.log" >&2
                fail "initdb failed"
            }

        mv "$pg_data.new" "$pg_data"
    fi

    if [ ! -s "$run/password" ]; then
        (
            umask 077
            head -c 18 /dev/urandom | base64 | tr '+/' '-_' >"$run/password"
        )
    fi
}


# After a crash of the machine the pid of the lock file may be anyone's, and
# PostgreSQL would not start beside it

pg_forget_dead() {
    local file=$pg_data/postmaster.pid pid

    pid=$(head -n 1 "$file" 2>/dev/null) || return 0

    if [ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" != "$pg_data" ]; then
        rm -f "$file"
    fi

    # those of a server that was killed hold its port until they notice
    wait_for 20 pg_abandoned || true
}


pg_abandoned() {
    local cwd

    for cwd in /proc/[0-9]*/cwd; do
        if [ "$(readlink "$cwd" 2>/dev/null)" = "$pg_data" ]; then
            return 1
        fi
    done
}


pg_configure() {
    cat >"$run/pg/demo.conf" <<END
listen_addresses = '127.0.0.1'
port = $pg_port
unix_socket_directories = '$pg_socket'
hba_file = '$run/pg/hba.conf'
password_encryption = 'scram-sha-256'
shared_buffers = '32MB'
log_timezone = 'UTC'
timezone = 'UTC'
END

    cat >"$run/pg/hba.conf" <<'END'
local  all       all                           trust
host   flagship  flagship_app  127.0.0.1/32    scram-sha-256
END

    # the server reads them as who it runs as
    chmod 644 "$run/pg/demo.conf" "$run/pg/hba.conf"

    if ! grep -q '/demo.conf' "$pg_data/postgresql.conf"; then
        echo "include '../demo.conf'" >>"$pg_data/postgresql.conf"
    fi
}


# psql as the superuser of the demo's cluster

pg_sql() {
    psql -XAtq -v ON_ERROR_STOP=1 -h "$pg_socket" -p "$pg_port" -U postgres \
        "$@"
}


# Database, schema, roles, sample and a key of the API.  The sample and the key
# come once: what was changed since then is not ours to undo.

pg_fill() {
    if [ "$(pg_sql -d postgres -c \
        "SELECT 1 FROM pg_database WHERE datname = 'flagship'")" != 1 ]
    then
        pg_sql -d postgres -c 'CREATE DATABASE flagship'
    fi

    pg_deploy

    pg_sql -d flagship -v password="$(cat "$run/password")" <<'END'
SET client_min_messages = warning;

SELECT format('CREATE ROLE %I LOGIN IN ROLE %I', login, grp)
  FROM (VALUES ('flagship_app', 'flagship_admin'),
               ('flagship_nginx', 'flagship_edge')) AS roles (login, grp)
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login)
\gexec

GRANT flagship_admin TO flagship_nginx;
ALTER ROLE flagship_app PASSWORD :'password';
END

    if [ ! -e "$run/seeded" ]; then
        psql -Xq -v ON_ERROR_STOP=1 -h "$pg_socket" -p "$pg_port" \
            -U flagship_app -d flagship -f "$top/sql/sample.sql" >/dev/null
        touch "$run/seeded"
        say "Sample of flags loaded"
    fi

    if [ ! -s "$run/api_key" ]; then
        (
            umask 077
            pg_sql -d flagship -c \
                "SELECT key FROM flagship.create_api_key('default', 'admin',
                                                         'make run')" \
                >"$run/api_key.new"
        )

        mv "$run/api_key.new" "$run/api_key"
        say "API key made"
    fi
}


pg_deploy() {
    local log=$run/sqitch.log

    if ! (
        cd "$top/sql"
        SQITCH_SYSTEM_CONFIG=/dev/null SQITCH_USER_CONFIG=/dev/null \
        SQITCH_FULLNAME=Flagship SQITCH_EMAIL=flagship@localhost \
        PGHOST=$pg_socket PGPORT=$pg_port PGUSER=postgres \
            sqitch deploy --verify db:pg:flagship
    ) >"$log" 2>&1; then
        cat "$log" >&2
        fail "the schema could not be deployed"
    fi

    if ! grep -q '^Nothing to deploy' "$log"; then
        say "Schema deployed"
    fi
}
