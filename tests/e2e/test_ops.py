#!/usr/bin/env python3
# prinex: what operators get beside the programs: runbook, alerts, systemd units, and what make install puts where
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import os
import re
import shutil
import tempfile

import px


def read(*path):
    with open(os.path.join(px.ROOT, *path), encoding="utf-8") as f:
        return f.read()


alarms = {name: severity.lower() for name, severity in re.findall(r'^PX_ALARM\(\w+, "([^"]+)", (\w+),', read("broker", "base", "alarm.def"), re.M)}
metrics = dict(re.findall(r'^PX_METRIC\(\w+, \w+, "([^"]+)", "([^"]*)"', read("broker", "base", "metrics.def"), re.M))

# --- runbook
runbook = read("docs", "runbook.md")
sections = re.findall(r"^## (.+)\n\n(.+)", runbook, re.M)
told = {title: text for title, text in sections if title in alarms}
px.ok(set(told) == set(alarms), "the runbook has a section for each alarm", set(alarms) - set(told))
px.ok(len([t for t, _ in sections if re.fullmatch("[a-z-]+", t)]) == len(alarms), "and none for alarms that do not exist", [t for t, _ in sections])
wrong = [name for name, text in told.items() if not text.startswith("Severity %s" % alarms[name])]
px.ok(not wrong, "with its severity", wrong)
thin = [n for n in told if "\n- " not in runbook.split("## %s\n" % n)[1].split("\n## ")[0]]
px.ok(not thin, "and with something to do", thin)
commands = set(re.findall(r'^PX_CTL_COMMAND\(\w+, "([^"]+)"', read("broker", "ctl", "command.def"), re.M))
named = set(re.findall(r"prinexctl ([a-z]+(?: [a-z]+)?)", runbook))
unknown = [c for c in named if c not in commands and c.split()[0] not in commands]
px.ok(not unknown, "every command that it names exists", unknown)

# --- alerts
rules = read("ops", "prometheus", "prinex.rules.yml")
on = dict(re.findall(r'expr: prinex_alarm\{name="([^"]+)"\} == 1\n\s+for: \w+\n\s+labels: \{severity: (\w+)\}', rules))
px.ok(on == alarms, "there is an alert for each alarm, of its severity", set(on.items()) ^ set(alarms.items()))
used = {re.sub("_(bucket|sum|count)$", "", m) if re.sub("_(bucket|sum|count)$", "", m) in metrics else m for m in re.findall(r"\bprinex_[a-z_]+", rules)}
px.ok(used <= set(metrics), "alerts use figures that exist", used - set(metrics))
labels = [(m, label) for m, text in re.findall(r"\b(prinex_[a-z_]+)\{([^}]*)\}", rules) for label in re.findall(r"(\w+)[=!]", text)
          if label not in metrics[m].split(",")]
px.ok(not labels, "and labels that they have", labels)
alerts = re.findall(r"- alert: (\w+)", rules)
plain = [a for a in alerts[len(alarms):] if "| %s |" % a not in runbook]
px.ok(not plain and len(set(alerts)) == len(alerts), "the runbook explains the others", plain)
anchors = {re.sub("[^a-z -]", "", t.lower()).replace(" ", "-") for t, _ in sections} | {"alerts-without-an-alarm"}
gone = [a for a in re.findall(r"docs/runbook.md#([a-z-]+)", rules) if a not in anchors]
px.ok(not gone, "links lead to sections", gone)
if shutil.which("promtool"):
    status, out, err = px.run(["promtool", "check", "rules", os.path.join(px.ROOT, "ops", "prometheus", "prinex.rules.yml")])
    px.ok(status == 0, "promtool is content", out + err)
else:
    px.skip("promtool is content", "promtool is not there")

# --- make install
top = tempfile.mkdtemp(prefix="prinex-ops-")
try:
    status, out, err = px.run(["make", "-C", px.ROOT, "-s", "-o", "all", "install", "O=" + px.BUILD, "DESTDIR=" + top, "prefix=/opt/prinex"], timeout=600)
    px.ok(status == 0, "make install", (out + err)[-2000:])
    unit = os.path.join(top, "opt/prinex/lib/systemd/system/prinexd.service")
    with open(unit, encoding="utf-8") as f:
        text = f.read()
    px.ok("ExecStart=/opt/prinex/sbin/prinexd " in text and "@" not in re.sub(r"(?m)^(SystemCallFilter=.*|#.*)$", "", text),
          "the service names the programs where they were installed", text)
    where = ("sbin/prinexd", "sbin/prinexctl", "bin/prinex", "lib/sysusers.d/prinex.conf", "lib/tmpfiles.d/prinex.conf",
             "lib/systemd/system/prinexd.socket", "lib/systemd/system/prinex-spool.service", "share/man/man8/prinex-spool.8",
             "share/prinex/doc/message-set.html", "share/prinex/prometheus/prinex.rules.yml", "share/prinex/doc/runbook.md")
    missing = [w for w in where if not os.path.exists(os.path.join(top, "opt/prinex", w))]
    px.ok(not missing, "users, folders, sockets, alerts and runbook are there", missing)
    if shutil.which("systemd-analyze"):
        for name in ("prinexd.service", "prinexd.socket", "prinex-spool.service"):  # against what is really there: programs of this build
            with open(os.path.join(os.path.dirname(unit), name), encoding="utf-8") as f:
                text = f.read().replace("/opt/prinex/", top + "/opt/prinex/")
            with open(os.path.join(top, name), "w", encoding="utf-8") as f:
                f.write(text)
        status, out, err = px.run(["systemd-analyze", "verify", "--man=no", *(os.path.join(top, n) for n in ("prinexd.service", "prinexd.socket", "prinex-spool.service"))])
        ours = [line for line in (out + err).splitlines() if "prinex" in line and "Failed to create" not in line]
        px.ok(not ours, "systemd-analyze verify finds nothing in the units", "\n".join(ours))
    else:
        px.skip("systemd-analyze verify finds nothing in the units", "systemd-analyze is not there")
    if shutil.which("systemd-sysusers"):
        status, out, err = px.run(["systemd-sysusers", "--dry-run", os.path.join(top, "opt/prinex/lib/sysusers.d/prinex.conf")])
        px.ok(status == 0 and "prinex-observer" in out + err, "systemd-sysusers would make user and groups", out + err)
    else:
        px.skip("systemd-sysusers would make user and groups", "systemd-sysusers is not there")
finally:
    shutil.rmtree(top, ignore_errors=True)
px.done()
