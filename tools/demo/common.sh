# shellcheck shell=bash

# What `make run`, `make stop` and `make seed` share: where the demo lies, who
# runs it, what .env says.  Sourced, with $top set; stands in / afterwards.

set -eu

export LC_ALL=C.UTF-8

module=$top/build/ngx_http_flagship_module.so
nginx=/usr/sbin/nginx
umask 022

# the shell may have sourced the run/env of another copy
given_database=${DATABASE_URL:-}
unset DATABASE_URL "${!PG@}"

# Debian's PostgreSQL, the newest that is there
pg_bin=$(
    find /usr/lib/postgresql/*/bin -name initdb 2>/dev/null |
    sort -V | tail -n 1 | xargs -r dirname
)

# an unprivileged user may not stand where we do
cd /


say()  { echo "$*"; }
fail() { echo "error: $*" >&2; exit 1; }


# KEY=value lines; what the caller's environment says wins

read_dotenv() {
    local line name value

    [ -f "$top/.env" ] || return 0

    while IFS= read -r line || [ -n "$line" ]; do
        line=${line#"${line%%[![:space:]]*}"}
        line=${line#export }
        [[ $line =~ ^([A-Za-z_][A-Za-z0-9_]*)=(.*)$ ]] || continue

        name=${BASH_REMATCH[1]}
        value=${BASH_REMATCH[2]}
        value=${value%"${value##*[![:space:]]}"}

        case "$value" in
            \"*\") value=${value#\"}; value=${value%\"} ;;
            \'*\') value=${value#\'}; value=${value%\'} ;;
        esac

        case "$name" in
            DATABASE_URL)
                given_database=${given_database:-$value} ;;
            FLAGSHIP_*)
                [ -n "${!name:-}" ] || export "$name=$value" ;;
        esac
    done <"$top/.env"
}


# As root, PostgreSQL and the demo's other processes are somebody else

pg_user=
web_user=

if [ "$(id -u)" -eq 0 ]; then
    for name in postgres nobody; do
        if [ -z "$pg_user" ] && id "$name" >/dev/null 2>&1; then
            pg_user=$name
        fi
    done

    for name in www-data nobody; do
        if [ -z "$web_user" ] && id "$name" >/dev/null 2>&1; then
            web_user=$name
        fi
    done

    if [ -z "$pg_user" ] || [ -z "$web_user" ]; then
        fail "no unprivileged user (postgres, www-data or nobody) to run as"
    fi
fi


# as USER COMMAND...: an empty USER is who we are

as() {
    ( become "$@" )
}


# The same in place of this shell, which keeps its pid

become() {
    local user=$1
    shift

    if [ -z "$user" ]; then
        exec "$@"
    fi

    exec setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups \
        -- env HOME=/nonexistent "$@"
}


# Where the run folder lies: run/ of the checkout or, where that is no place
# for it, a folder under the temporary directory that run/ links to

run=

find_run() {
    run=

    if [ -d "$top/run" ]; then
        run=$(cd "$top/run" && pwd -P)
    fi
}


# What PostgreSQL appends to the folder of its socket

fits() {
    local socket=$1/pg/socket/.s.PGSQL.65535

    [ ${#socket} -le 100 ]
}


reachable() {
    as "$pg_user" test -x "$1" && as "$web_user" test -x "$1"
}


make_run() {
    local temp

    find_run

    if [ -n "$run" ]; then
        if [ "$(stat -c %u "$run")" != "$(id -u)" ]; then
            fail "$run belongs to $(stat -c %U "$run"): run this as that" \
                "user, or remove it"
        fi

        if fits "$run" && reachable "$run"; then
            return
        fi

        # the checkout was moved, or its modes were changed
        if [ ! -L "$top/run" ] && [ -n "$(ls -A "$run")" ]; then
            fail "$run can no longer be used: its path is too long or closed" \
                "to the user that runs PostgreSQL; please move it away"
        fi
    fi

    if [ -L "$top/run" ]; then
        rm -f "$top/run"
    fi

    mkdir -p "$top/run"

    if fits "$top/run" && reachable "$top/run"; then
        run=$(cd "$top/run" && pwd -P)
        return
    fi

    rmdir "$top/run"

    for temp in "${TMPDIR:-/tmp}" /tmp /var/tmp; do
        if [ -d "$temp" ] && [ -w "$temp" ] && reachable "$temp" &&
            fits "$temp/flagship-12345678"
        then
            run=$(mktemp -d "$temp/flagship-XXXXXXXX")
            chmod 755 "$run"
            ln -s "$run" "$top/run"
            return
        fi
    done

    fail "found no folder for the demo: not $top/run, not ${TMPDIR:-/tmp}"
}


# One `make run` or `make stop` at a time.  What is started must not inherit
# the lock: it is closed there.

lock() {
    exec 9<"$top/Makefile"
    flock -w 300 9 || fail "another make run or make stop does not end"
}


declare -A chosen

# choose NAME DEFAULT: the port of that name in $port.  One that is given (in
# the environment or .env) must be free; else the one of last time, or the
# first free one from the default on.

choose() {
    local name=$1 candidate=$2 given=${!1:-} saved

    unset "chosen[$name]"
    saved=$(sed -n "s/^$name=//p" "$run/ports" 2>/dev/null || true)

    if [ -n "$given" ]; then
        if ! [[ $given =~ ^[0-9]{1,5}$ ]] || [ "$given" -gt 65535 ]; then
            fail "$name=$given is not a port"
        fi

        is_free "$given" || fail "port $given ($name) is taken"
        port=$given

    elif [ -n "$saved" ] && is_free "$saved"; then
        port=$saved

    else
        until is_free "$candidate"; do
            candidate=$((candidate + 1))
        done

        port=$candidate
    fi

    touch "$run/ports"
    sed -i "/^$name=/d" "$run/ports"
    echo "$name=$port" >>"$run/ports"
    chosen[$name]=$port
}


# Nobody listens on it, on any address, and it is not ours already

is_free() {
    case " ${chosen[*]} " in
        *" $1 "*) return 1 ;;
    esac

    perl -MIO::Socket::INET -e '
        exit !IO::Socket::INET->new(LocalAddr => "0.0.0.0",
            LocalPort => $ARGV[0], Listen => 1, ReuseAddr => 1)' "$1"
}


# The port that was chosen when it was started

saved_port() {
    sed -n "s/^$1=//p" "$run/ports" 2>/dev/null
}


# wait_for SECONDS COMMAND...: until it succeeds

wait_for() {
    local end=$((SECONDS + $1))
    shift

    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.1
    done
}


gone() {
    ! kill -0 "$1" 2>/dev/null
}


# The pid in a file, where the process has that text in its command line: the
# number may long be somebody else's

pid_of() {
    local file=$1 text=$2 pid

    pid=$(head -n 1 "$file" 2>/dev/null) || return 1
    [[ $pid =~ ^[0-9]+$ ]] || return 1

    tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "$text" ||
        return 1

    echo "$pid"
}
