# Runs as root in the booted system. Each result is a file in /results.
result() { cat >"/results/$1"; }
log() { cat >>/results/log; }
# The status of a scrape, and a word that tells which daemon it is from.
scrape() {
    exec 3<>/dev/tcp/127.0.0.1/9598 || return
    printf 'GET /bridge?selector=%s HTTP/1.0\r\n\r\n' "$1" >&3
    local response
    response=$(timeout 10 cat <&3)
    exec 3>&-
    local word=
    case "$response" in
    *'added 1'*) word=added ;;
    *build_info*|*prombus*) word=prombus ;;
    *) word=$(tail -n 1 <<<"$response") ;;
    esac
    echo "$(cut -d ' ' -f 2 <<<"${response%%$'\r'*}") $word"
}
# Waits up to 60 s for a condition.
eventually() {
    local attempt
    for attempt in {1..240}; do
        "$@" && return
        sleep 0.25
    done
    return 1
}
scrapes_as() { [[ "$(scrape "$1")" == "$2" ]]; }
unit=local-exporter.service
configuration=/etc/local-exporter/config.toml

prombus='[bridge.selectors.bus]
kind = "dbus"
destination = "com.github.lucab.Prombus"
path = "/com/github/lucab/Prombus"
method = "com.github.lucab.Prombus.Observable.PromMetrics"

[bridge.selectors.first]
kind = "file"
path = "/var/lib/metrics/first.prom"
'
added='[bridge.selectors.added]
kind = "file"
path = "/var/lib/metrics/added.prom"
'
mkdir -p /etc/local-exporter/conf.d /usr/lib/local-exporter/conf.d /var/lib/metrics
echo 'first 1' >/var/lib/metrics/first.prom
echo 'added 1' >/var/lib/metrics/added.prom
cp /work/com.github.lucab.Prombus.conf /usr/share/dbus-1/system.d/
systemctl start dbus.socket dbus.service
systemctl reload dbus.service 2>&1 | log
systemd-run --quiet --unit prombus /work/prombus 2>&1 | log

printf '%s' "$prombus" >"$configuration"
systemd-analyze verify "$unit" >/results/verify.text 2>&1
# Only lines about our unit count; other units of the system may have warnings.
grep -c 'local-exporter' /results/verify.text | result verify

systemctl start "$unit" 2>&1 | log
echo "${PIPESTATUS[0]}" | result start
ps_user=$(stat -c %U "/proc/$(systemctl show --value --property MainPID "$unit")")
echo "$ps_user" | result user
eventually scrapes_as bus '200 prombus'
scrape bus | result dbus

printf '%s%s' "$prombus" "$added" >"$configuration"
systemctl reload "$unit" 2>&1 | log
echo "${PIPESTATUS[0]}" | result reload
eventually scrapes_as added '200 added'
scrape added | result reloaded

echo '=' >"$configuration"
systemctl reload "$unit" 2>&1 | log
echo "${PIPESTATUS[0]}" | result 'invalid reload'
scrape added | result 'after the invalid reload'
echo "$(systemctl show --value --property WatchdogUSec "$unit") $(systemctl show --value --property Type "$unit")" | result watchdog

# Far more starts than the default limit of systemd, which is 5 in 10 s.
mkdir -p "/run/systemd/system/$unit.d"
printf '[Service]\nRestartSec=100ms\n' >"/run/systemd/system/$unit.d/soon.conf"
systemctl daemon-reload
systemctl restart --no-block "$unit"
restarted() { (($(systemctl show --value --property NRestarts "$unit") >= 8)); }
eventually restarted && echo many | result 'restarts with an invalid configuration'
printf '%s%s' "$prombus" "$added" >"$configuration"
eventually scrapes_as added '200 added'
scrape added | result corrected
journalctl --no-pager --unit "$unit" 2>&1 | tail -n 60 | log
