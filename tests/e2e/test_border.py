#!/usr/bin/env python3
# prinex: the border post: officers look movements up, see what was sent to their authority, and are named in the journal
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
import hashlib
import json
import os
import re
import urllib.parse

import px
import raw
import bulk

XSD = os.path.join(px.ROOT, "schemas", "xsd", "movements-1.xsd")
PLATES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "plates.tsv")

with px.Lab("BY", "UA") as lab:
    by, ua = lab.pair(start=False)
    for b in (by, ua):
        with open(b.conf, "a", encoding="utf-8") as f:
            f.write(b.partner("officer-ua", "UA", "officer") + (b.partner("officer-by", "BY", "officer") if b is ua else ""))
        b.start()
    sys_by, sys_ua = bulk.System(lab, "BY", broker=by), bulk.System(lab, "UA", broker=ua)
    post = px.Peer(lab, "UA", "officer", broker=ua)
    there = px.Peer(lab, "BY", "officer", broker=ua)

    def send(system, type, payload=None, to="UA", **kw):
        payload = payload or raw.payload_of(px.example(type + "-small.xml"))
        mid = system.authority + raw.fresh("B")
        extra = "<px:CorrelationId>%s</px:CorrelationId>" % kw["correlation"] if "correlation" in kw else ""
        doc = system.seal(raw.exchange(payload, mid, type, sender=system.authority, recipients=(to,), extra_header=extra))
        r = system.post(doc)
        if r.status != 201:
            raise RuntimeError("%s: %d %s" % (type, r.status, r.text()))
        return mid, doc

    def ask(query, peer=post, user="o.kovalenko", accept="application/json", path="/v1/movements?"):
        headers = dict({"Prinex-User": user} if user else {}, **({"Accept": accept} if accept else {}))
        return peer.request("GET", path + query, headers=headers)

    def found(query, **kw):
        r = ask(query, **kw)
        return json.loads(r.body)["movements"] if r.status == 200 else r.text()

    def newest(query):
        m = found(query)
        return m[0]["declarations"][-1] if m and not isinstance(m, str) and m[0]["declarations"] else {}

    mid, doc = send(sys_by, "PreArrivalNotice")
    mrn = re.search(rb"<MRN>(.*?)</MRN>", doc).group(1).decode()
    lrn = re.search(rb"<LRN>(.*?)</LRN>", doc).group(1).decode()
    px.wait_for(lambda: found("mrn=" + mrn), 20)

    # --- XML and JSON
    r = ask("mrn=" + mrn, accept=None)
    xml = os.path.join(lab.dir, "movements.xml")
    with open(xml, "wb") as f:
        f.write(r.body)
    status, out, err = px.run(["xmllint", "--noout", "--schema", XSD, xml])
    px.ok(r.status == 200 and r.headers["content-type"] == "application/xml" and mid in r.text() and status == 0,
          "by MRN, as XML, as the schema says", r.text() + err)
    d = newest("mrn=" + mrn)
    px.ok(d.get("message_id") == mid and d["declaration_type"] == "PreArrivalNotice" and d["version"] == "1" and d["mrn"] == mrn and
          d["lrn"] == lrn and d["arrivals"][0]["office"].startswith("UA") and "AE47125" in d["vehicles"], "and as JSON", d)
    px.ok(found("mrn=" + mrn)[0]["movement_state"] in ("expected", "late"), "with its state", found("mrn=" + mrn))
    for accept, status in (("application/xml", 200), ("application/json;q=0.5, application/xml", 200), ("*/*", 200), ("text/html", 406)):
        r = ask("mrn=" + mrn, accept=accept)
        px.ok(r.status == status and (status != 200 or r.headers["content-type"] == "application/xml"), "Accept: %s" % accept, r.text())

    # --- the exact octets
    r = ask("", path=d["href"])
    px.ok(r.status == 200 and r.body == doc and hashlib.sha256(doc).hexdigest() == d["digest"], "the link leads to the very octets that BY signed")
    r = ask("", path="/v1/exchanges/BY/" + mid)
    px.ok(r.status == 200 and "<px:State" in r.text(), "and an officer may ask for its state")

    # --- other keys, however written
    for key, name in (("lrn", "LRN"), ("container", "containerIdentificationNumber"), ("seal", "identifier")):
        m = re.search(("<%s>(.*?)</%s>" % (name, name)).encode(), doc)
        if m:
            px.ok(newest("%s=%s" % (key, urllib.parse.quote(m.group(1)))).get("message_id") == mid, "by " + key, m.group(1))
    with open(PLATES, encoding="utf-8") as f:
        rows = [line.rstrip("\n").split("\t") for line in f if not line.startswith("#")]
    px.ok(len(rows) == 20 and len({row[0] for row in rows}) == 20, "20 spellings of one plate")
    for plate, letters, how in rows:
        px.ok(newest("vehicle=" + urllib.parse.quote(plate)).get("message_id") == mid, "by plate, %s: %s" % (letters, how), plate)
    px.ok(found("vehicle=AE47126") == [], "another plate is not found")

    # --- what is expected where
    office, at = d["arrivals"][0]["office"], d["arrivals"][0]["expected_at"]
    px.ok(newest("office=%s&arriving=%s..%s" % (office, at, "2199-01-01")).get("message_id") == mid, "by office and time of arrival")
    px.ok(found("office=%s&arriving=2000-01-01..%s" % (office, at)) == [], "the end of the window does not belong to it")
    px.ok(found("office=UA000000&arriving=2000-01-01..2199-01-01") == [], "another office expects nothing")

    # --- pages: by key from a message on, by office behind an arrival
    seq = ua.ctl("message", "BY/" + mid)["seq"]
    px.ok(newest("mrn=%s&after=%d" % (mrn, seq)).get("message_id") == mid, "a page begins at the message that the page before named")
    px.ok(found("office=%s&arriving=2000-01-01..2199-01-01&after=%s_%d" % (office, at, seq)) == [], "and behind the arrival that it named")

    # --- strict questions
    for query in ("", "mrn=", "mrn=%s&mrn=%s" % (mrn, mrn), "mrn=%s&lrn=X" % mrn, "mrn=%s&x=1" % mrn, "mrn=%s&after=x" % mrn, "mrn=%s&after=" % mrn, "after=1&after=2", "plate=AE47125", "vehicle=--", "vehicle=%FF",
                  "vehicle=" + "A" * 71, "office=" + office, "office=%s&arriving=2026-01-02..2026-01-01" % office,
                  "office=%s&arriving=2026-01-01" % office, "office=ua..&arriving=2026-01-01..2026-01-02",
                  "office=%s&arriving=2026-01-01..2026-01-02&after=x" % office, "office=%s&arriving=2026-01-01..2026-01-02&mrn=X" % office):
        r = ask(query)
        px.ok(r.status == 400, "refused: ?" + query[:60], (r.status, r.text()))

    # --- who may ask
    for user in (None, "", "a b", "x" * 65, "o'neil"):
        r = ask("mrn=" + mrn, user=user)
        px.ok(r.status == 400 and "Prinex-User" in r.text(), "without a good name: %r" % user, (r.status, r.text()))
    px.ok(found("mrn=" + mrn, peer=there) == [] and ask("", peer=there, path=d["href"]).status == 404 and
          ask("", peer=there, path="/v1/exchanges/BY/" + mid).status == 404, "an officer of BY sees nothing of what BY sent to UA")
    at_by = px.Peer(lab, "UA", "officer", broker=by)
    px.ok(newest("mrn=" + mrn).get("message_id") == mid and ask("mrn=" + mrn, peer=at_by).status == 200, "at BY's node an officer of UA may ask too")
    px.ok(sys_ua.request("GET", "/v1/movements?mrn=" + mrn, headers={"Prinex-User": "x"}).status == 403 and
          sys_ua.request("GET", d["href"], headers={"Prinex-User": "x"}).status == 403, "a system may not ask")
    px.ok(post.request("GET", "/v1/inbox", headers={"Prinex-User": "x"}).status == 403 and post.post(doc, headers={"Prinex-User": "x"}).status == 403,
          "an officer may neither fetch nor send")

    # --- the newest version
    amended = raw.payload_of(px.example("Amendment-small.xml"))
    amended = re.sub(rb"<LRN>.*?</LRN>", b"<LRN>%s</LRN>" % lrn.encode(), amended)
    amended = re.sub(rb"(<Declarant>.*?<value>).*?(</value>)", rb"\g<1>190473818\2", amended, count=1, flags=re.S)
    amid, _ = send(sys_by, "Amendment", amended)
    px.wait_for(lambda: newest("mrn=" + mrn).get("message_id") == amid, 20)
    m = found("mrn=" + mrn)[0]
    px.ok([x["message_id"] for x in m["declarations"]] == [amid] and m["declarations"][0]["version"] == "2" and
          [x["message_id"] for x in m["exchanges"]] == [mid, amid], "an amendment is its newest version; both are linked", m)

    # --- from the command line
    def command(name, *args):
        p = lab.pki + "/UA"
        return px.run([px.program("prinex"), name, "--url", ua.url(), "--cert", post.cert, "--key", post.key, "--anchors", p + "/tls-ca.pem",
                       "--server-uri", "urn:prinex:UA:node:node-ua"] + list(args))
    status, out, err = command("lookup", "--user", "o.kovalenko", "vehicle=ае 4712-5")
    px.ok(status == 0 and re.search("^  vehicle +AE51120", out, re.M) and "/v1/exchanges/BY/%s/body" % mid in out, "prinex lookup finds it", (status, out, err))
    status, out, err = command("lookup", "--user", "o.kovalenko", "--json", "office=" + office, "arriving=2000-01-01..2199-01-01")
    px.ok(status == 0 and amid in json.dumps(json.loads(out)), "prinex lookup --json", (status, out, err))
    status, out, err = command("lookup", "vehicle=AE47125")
    px.ok(status == 2 and "Prinex-User" in err, "prinex lookup without a name says what is missing", (status, err))
    status, out, err = command("lookup", "plate=AE47125")
    px.ok(status == 2 and "vehicle=" in err, "and so with a key that there is not", (status, err))
    got = os.path.join(lab.dir, "got")
    status, out, err = command("lookup", "--user", "o.kovalenko", "--fetch", got, "mrn=" + mrn)
    px.ok(status == 2 and "no such folder" in err, "prinex lookup --fetch needs a folder", (status, err))
    os.mkdir(got)
    first = os.path.join(got, "BY_%s.xml" % mid)
    status, out, err = command("lookup", "--user", "o.kovalenko", "--fetch", got, "mrn=" + mrn)
    with open(first, "rb") as f:
        octets = f.read()
    px.ok(status == 0 and octets == doc and sorted(os.listdir(got)) == sorted("BY_%s.xml" % i for i in (mid, amid)) and out.count(": new") == 2 and "1 movement known" in out,
          "and gets the signed exchanges, octet for octet", (status, out, err))
    status, out, err = px.run([px.program("prinex"), "verify", "--catalogue", px.CATALOGUE, "--trust", "BY:system=%s/BY/anchors.pem" % lab.pki, first])
    px.ok(status == 0, "whose signature holds", (status, out, err))
    with open(first, "wb") as f:
        f.write(octets + b" ")
    os.remove(os.path.join(got, "BY_%s.xml" % amid))
    status, out, err = command("lookup", "--user", "o.kovalenko", "--json", "--fetch", got, "mrn=" + mrn)
    lines = {o["id"]: o for o in map(json.loads, out.splitlines())}
    px.ok(status == 1 and lines[mid]["result"] == "differs" and lines[amid]["result"] == "new" and lines[mid]["digest"] == hashlib.sha256(doc).hexdigest(),
          "a file of that name with other octets is left alone, and said; JSON has a line an exchange", (status, out, err))
    with open(first, "wb") as f:
        f.write(octets)
    status, out, err = command("lookup", "--user", "o.kovalenko", "--fetch", got, "mrn=" + mrn)
    px.ok(status == 0 and out.count(": known") == 2, "what is there already is not asked for again", (status, out, err))
    kept = os.path.join(lab.dir, "kept")
    os.mkdir(kept)
    status, out, err = sys_ua.prinex("arrive", "--environment", "test", "--recipient", "BY", "--catalogue", px.CATALOGUE, "--keep", kept,
                                     "UA205020", "vehicle=AE 47125/BY", "vehicle=A3318E5/BY", "mrn=" + mrn, "seals=1")
    px.ok(status == 0 and found("mrn=" + mrn)[0]["movement_state"] == "arrived", "prinex arrive reports it: it has arrived", (status, out, err))
    px.ok(sorted(os.path.splitext(f)[1] for f in os.listdir(kept)) == [".coa", ".px", ".xml"], "and keeps what it sent and the answer", os.listdir(kept))
    status, out, err = sys_ua.prinex("arrive", "UA205020", "mrn=" + mrn)
    px.ok(status == 2 and "vehicle=PLATE/COUNTRY" in err, "prinex arrive needs a vehicle", (status, err))

    # --- the journal
    entries = ua.ctl("journal", "tail", "--limit", "300")["entries"]
    reads = [e for e in entries if e["kind"] == "read" and e.get("actor") == "o.kovalenko"]
    px.ok(any(e["code"] == "body" and e["message_id"] == mid and e["partner"] == "officer-ua" for e in reads) and
          any(e["code"] == "movements" and "vehicle" in e.get("detail", "") for e in reads) and any(e["code"] == "state" for e in reads),
          "every read is journalled with the officer's name", reads[-3:])
    px.ok(len([e for e in reads if e["code"] == "body" and e["message_id"] == amid]) == 2, "so each time an exchange is got, and no more", reads)
    px.ok("AE47125" not in json.dumps(entries) and mrn not in json.dumps(entries), "which names no plate and no MRN")
px.done()
