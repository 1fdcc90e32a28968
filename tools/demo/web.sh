# shellcheck shell=bash disable=SC2154

# The demo's nginx, and the upstream that it proxies to.

upstream_start() {
    local try

    if upstream_pid >/dev/null; then
        upstream_port=$(saved_port FLAGSHIP_UPSTREAM_PORT)
        return
    fi

    for try in 1 2 3; do
        choose FLAGSHIP_UPSTREAM_PORT 8090
        upstream_port=$port

        # read by us: the checkout may be closed to whom it runs as
        become "$web_user" setsid perl - --port "$upstream_port" --name demo \
            <"$top/tools/demo/upstream" >"$run/upstream.log" 2>&1 9<&- &
        echo $! >"$run/upstream.pid"

        if wait_for 20 upstream_settled && upstream_pid >/dev/null; then
            return
        fi

        sleep "$try"
    done

    cat "$run/upstream.log" >&2
    fail "the demo upstream did not start"
}


upstream_pid() {
    pid_of "$run/upstream.pid" \
        "perl - --port $(saved_port FLAGSHIP_UPSTREAM_PORT) --name demo"
}


# It answers, or it is gone (a shell that is about to become it counts)

upstream_settled() {
    gone "$(cat "$run/upstream.pid")" ||
        curl -s -o /dev/null "http://127.0.0.1:$upstream_port/"
}


upstream_stop() {
    local pid

    if pid=$(upstream_pid); then
        kill "$pid" 2>/dev/null || true
        wait_for 10 gone "$pid" || kill -9 "$pid" 2>/dev/null || true
    fi

    rm -f "$run/upstream.pid"
}


nginx_start() {
    local home=$run/nginx try

    if nginx_pid >/dev/null; then
        api_port=$(saved_port FLAGSHIP_PORT)
        demo_port=$(saved_port FLAGSHIP_DEMO_PORT)
        return
    fi

    nginx_forget_dead
    mkdir -p "$home"

    # the checkout may be closed to who nginx runs as
    rm -rf "$run/docs"
    if [ -d "$top/build/docs" ]; then
        cp -R "$top/build/docs" "$run/docs"
    fi

    for try in 1 2 3; do
        choose FLAGSHIP_PORT 8080
        api_port=$port
        choose FLAGSHIP_DEMO_PORT 8081
        demo_port=$port
        nginx_configure

        if "$nginx" -p "$home" -c nginx.conf -e error.log \
            >"$run/nginx/start.log" 2>&1 9<&-
        then
            say "nginx started"
            return
        fi

        # anything but a port lost to another copy will not get better
        grep -q 'bind() to' "$run/nginx/start.log" || break
        sleep "$try"
    done

    cat "$run/nginx/start.log" >&2
    fail "nginx did not start"
}


nginx_configure() {
    local user=

    if [ -n "$web_user" ]; then
        user="user $web_user;"
    fi

    sed -e "s#@USER@#$user#" \
        -e "s#@MODULE@#$module#" \
        -e "s#@RUN@#$run#" \
        -e "s#@API_PORT@#$api_port#" \
        -e "s#@DEMO_PORT@#$demo_port#" \
        -e "s#@UPSTREAM_PORT@#$upstream_port#" \
        -e "s#@CONNINFO@#host=$run/pg/socket port=$pg_port dbname=flagship user=flagship_nginx#" \
        "$top/tools/demo/nginx.conf.in" >"$run/nginx/nginx.conf"
}


nginx_pid() {
    pid_of "$run/nginx/nginx.pid" "-p $run/nginx"
}


# Workers of a master that was killed go on listening.  They are in the
# session that the master has opened, are called nginx and have our module.

nginx_forget_dead() {
    local session stat

    session=$(head -n 1 "$run/nginx/nginx.pid" 2>/dev/null) || return 0

    for stat in /proc/[0-9]*/stat; do
        # pid (name) state parent group session
        if [[ $(cat "$stat" 2>/dev/null) =~ \
            ^([0-9]+)\ \(nginx\)\ .\ [0-9]+\ [0-9]+\ ([0-9]+)\  ]] &&
            [ "${BASH_REMATCH[2]}" = "$session" ] &&
            grep -qF "$module" "/proc/${BASH_REMATCH[1]}/maps"
        then
            kill -9 "${BASH_REMATCH[1]}" 2>/dev/null || true
        fi
    done

    rm -f "$run/nginx/nginx.pid"
}


nginx_stop() {
    local pid

    if pid=$(nginx_pid); then
        kill -QUIT "$pid" 2>/dev/null || true

        if ! wait_for 5 gone "$pid"; then
            kill -TERM "$pid" 2>/dev/null || true
            wait_for 5 gone "$pid" || kill -9 "$pid" 2>/dev/null || true
        fi

        say "nginx stopped"
    fi

    nginx_forget_dead
}


# What it answers is what counts: the flags are loaded

nginx_ready() {
    [ "$(curl -s -o /dev/null -w '%{http_code}' \
        "http://127.0.0.1:$api_port/ready")" = 200 ]
}
