#!/usr/bin/env python3
# prinex: each rule is kept by one document and broken by another; the corpus; an independent Schematron agrees
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
"""Cases are in cases.tsv, findings in the corpus in corpus-findings.tsv (README.md). Prints TAP."""
import collections
import glob
import importlib.util
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, os.environ.get("PX_BUILD", "build"))
CORPUS = os.path.join(ROOT, "..", "shared", "corpus")
RULES = {"prinex": os.path.join(ROOT, "schemas", "rules", "prinex.sch"), "ncts5": os.path.join(ROOT, "schemas", "rules", "ncts5.sch"),
         "ens": os.path.join(ROOT, "schemas", "rules", "ens.sch")}
Finding = collections.namedtuple("Finding", "document rule severity line pointer value text")
count = failed = 0


def ok(good, name, *why):
    global count, failed
    count += 1
    failed += not good
    print("%s %d - %s" % ("ok" if good else "not ok", count, name))
    for w in () if good else why:
        print("# " + str(w))


def skip(name, why):
    global count
    count += 1
    print("ok %d - %s # SKIP %s" % (count, name, why))


def table(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as f:
        lines = [line.rstrip("\n").split("\t") for line in f if line.strip()]
    return [dict(zip(lines[0], line)) for line in lines[1:]]


def judge(rules, offices, documents):
    """Returns the findings, and the set of (document, rule) whose context was there."""
    p = subprocess.run([os.path.join(BUILD, "rules-judge"), "--offices", offices, rules] + documents, capture_output=True, text=True,
                       check=False)
    if p.returncode != 0:
        raise RuntimeError(p.stderr)
    found, matched = [], set()
    for line in p.stdout.splitlines():
        fields = line.split("\t")
        if fields[2] == "matched":
            matched.add((fields[0], fields[1]))
        else:
            found.append(Finding(*fields))
    return found, matched


def import_offices(source, target):
    p = subprocess.run([os.path.join(BUILD, "prinexctl"), "offices", "import", source, "--out", target], capture_output=True, text=True,
                       check=False)
    if p.returncode != 0:
        raise RuntimeError(p.stderr)


def kind_of(base):
    return "ens" if base.startswith("CC315A") else "ncts5" if re.match(r"C[CD]\d", base) else "prinex"


def base_of(case):
    return os.path.join(os.path.join(ROOT, "schemas", "examples") if kind_of(case["base"]) == "prinex" else HERE, case["base"])


def edited(case, folder):
    """The base with the case's edit, under the same name in a folder of its own."""
    with open(base_of(case), encoding="utf-8") as f:
        text = f.read()
    old, new = (case[k].replace("\\n", "\n") for k in ("from", "to"))
    everywhere = old.startswith("*")
    old = old.lstrip("*")
    if old not in text:
        raise RuntimeError("%s: the base does not hold %r" % (case["rule"], old))
    path = os.path.join(folder, case["rule"] + ".xml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(old, new) if everywhere else text.replace(old, new, 1))
    return path


def check_cases(cases, offices, folder):
    for case in cases:
        rules, rule = RULES[kind_of(case["base"])], case["rule"]
        kept, matched = judge(rules, offices, [base_of(case)])
        broken, _ = judge(rules, offices, [edited(case, folder)])
        values = [f.value for f in broken if f.rule == rule]
        wanted = {rule} | set(filter(None, case["also"].split(",")))
        ok((os.path.basename(case["base"]), rule) in matched and not kept and values[:1] == [case["value"]] and
           {f.rule for f in broken} == wanted, "%s: kept by %s, broken by its edit" % (rule, case["base"]),
           "base: %s" % (kept or "context matched: %s" % ((os.path.basename(case["base"]), rule) in matched)), "edit: %s" % broken)


def check_completeness(cases):
    for kind, path in RULES.items():
        with open(path, encoding="utf-8") as f:
            ids = re.findall(r'<sch:(?:assert|report) id="([^"]+)"', f.read())
        missing = sorted(set(ids) - {c["rule"] for c in cases if kind_of(c["base"]) == kind})
        ok(ids and not missing, "every rule of %s.sch has a case" % kind, missing)


# --- an independent implementation -------------------------------------------------------------------------------

def values_of(text):
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    values = [v for v in range(10, 39) if v % 11]
    return [int(c) if c.isdigit() else values[letters.index(c)] for c in text]


def mrn_check(_, nodes):
    mrn = nodes if isinstance(nodes, str) else nodes[0].text
    if not re.fullmatch(r"[0-9A-Z]{17}[0-9]", mrn):
        return False
    return sum(v << i for i, v in enumerate(values_of(mrn[:17]))) % 11 % 10 == int(mrn[17])


def numbered(_, nodes):
    return all(n.text.strip() == str(i) for i, n in enumerate(nodes, 1))


def exceeds(_, nodes, name):
    return any(float(n.text) > float(s.text) for n in nodes for s in n.getparent()
               if s.tag.rpartition("}") == n.tag.rpartition("}")[:2] + (name,))


class Offices:
    """px:office over the table, written without regard to the broker's own."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            self.rows = [line.strip().split(",") for line in f][1:]

    def __call__(self, _, code, roles, day):
        code, day = (x if isinstance(x, str) else (x[0].text if x else "") for x in (code, day))
        if not re.fullmatch("[A-Z]{2}[A-Z0-9]{6}", code):
            return "unknown"
        if not any(r[0][:2] == code[:2] for r in self.rows):
            return "country"
        mine = [r for r in self.rows if r[0] == code]
        if not mine:
            return "unknown"
        then = [r for r in mine if r[2] <= day[:10] <= (r[3] or "9999")]
        if not then:
            return "day"
        wanted = set(roles.split())
        has, somewhere = ([r for r in rows if set(r[1].split()) & wanted] for rows in (then, [r for r in self.rows if r[0][:2] == code[:2]]))
        return "ok" if not wanted or has or not somewhere else "role"


def check_independent(cases, offices, folder):
    name = "an independent Schematron implementation finds the same"
    try:
        from lxml import etree, isoschematron
    except ImportError:
        skip(name, "python3-lxml is not installed")
        return
    space = etree.FunctionNamespace("urn:prinex:rules:1")
    space["mrn-check"] = mrn_check
    space["numbered"] = numbered
    space["exceeds"] = exceeds
    space["office"] = Offices(os.path.join(HERE, "offices.csv"))
    for kind, path in RULES.items():
        mine = [c for c in cases if kind_of(c["base"]) == kind]
        documents = sorted({base_of(c) for c in mine}) + [edited(c, folder) for c in mine]
        schematron = isoschematron.Schematron(etree.parse(path), store_report=True)
        differ = []
        for document in documents:
            schematron.validate(etree.parse(document))
            report = schematron.validation_report
            theirs = sorted(e.get("id") for e in report.iter("{http://purl.oclc.org/dsdl/svrl}failed-assert"))
            ours = sorted(f.rule for f in judge(path, offices, [document])[0])
            if ours != theirs:
                differ.append((os.path.basename(document), ours, theirs))
        ok(documents and not differ, "%s: %s, %d documents" % (name, kind, len(documents)), *differ)


# --- the corpus ---------------------------------------------------------------------------------------------------

def check_import_memory(folder):
    archive = glob.glob(os.path.join(CORPUS, "customs-offices", "*.zip"))
    with zipfile.ZipFile(archive[0]) as z:
        z.extractall(folder)
        source = os.path.join(folder, z.namelist()[0])
    target = os.path.join(folder, "official")
    if os.fork() == 0:  # a process of its own, whose only child is measured
        import_offices(source, target)
        kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        print("# importing %d MB took %d KiB" % (os.path.getsize(source) >> 20, kib), flush=True)
        os._exit(0 if kib <= 32 * 1024 or os.environ.get("PX_SANITIZE") else 1)
    ok(os.wait()[1] == 0, "the official list of offices is imported within 32 MB")
    return target


def check_cost(offices):
    """All rules on a declaration of about 6 KB cost at most twice its schema validation, and no more on a large one."""
    sets = [("prinex", os.path.join(ROOT, "schemas", "xsd", "prinex"),
             [os.path.join(ROOT, "schemas", "examples", "TransitDeclaration-small.xml")] +
             glob.glob(os.path.join(BUILD, "examples", "TransitDeclaration-999.xml")))]
    if os.path.isdir(CORPUS):
        sets.append(("ncts5", os.path.join(CORPUS, "ncts5", "xsd"), [os.path.join(HERE, "CC015C.xml")]))
    for kind, schemas, documents in sets:
        p = subprocess.run([os.path.join(BUILD, "rules-judge"), "--cost", offices, RULES[kind], schemas] + documents, capture_output=True,
                           text=True, check=False)
        lines = [[float(x) for x in line.split()] for line in p.stdout.splitlines()]
        for schema, rules, size in lines:
            print("# %s, %d octets: schema %.1f us, all rules %.1f us of CPU" % (kind, size, schema, rules))
        name = "%s: all rules cost at most twice the schema validation" % kind
        if os.environ.get("PX_SANITIZE"):
            skip(name, "sanitizers measure otherwise")
        else:
            ok(len(lines) == len(documents) and all(rules <= 2 * schema for schema, rules, _ in lines), name, p.stderr)


def check_corpus(folder):
    if not os.path.isdir(CORPUS):
        skip("findings in the corpus", "there is no ../shared/corpus")
        return
    offices = check_import_memory(folder)
    files = [(RULES["ncts5"], f) for t in ("CC015C", "CD001C", "CD050C")
             for f in glob.glob(os.path.join(CORPUS, "ncts5", "messages", "valid", "*.xml")) if root_is(f, t)]
    files += [(RULES["ens"], f) for f in glob.glob(os.path.join(CORPUS, "ens", "valid", "*.xml")) if root_is(f, "CC315A")]
    found = []
    for rules in {r for r, _ in files}:
        found += judge(rules, offices, sorted(f for r, f in files if r == rules))[0]
    here = collections.Counter((f.document, f.rule, f.value) for f in found)
    rows = table("corpus-findings.tsv")
    kept = collections.Counter((r["file"], r["rule"], r["value"]) for r in rows)
    new, gone = here - kept, kept - here
    ok(len(files) > 400 and not new and not gone, "%d documents of the corpus: the %d findings that are kept" % (len(files), len(rows)),
       "new: %s" % sorted(new), "gone: %s" % sorted(gone))
    ok(all(r["why"] for r in rows), "each finding says why it is true")


def root_is(path, name):
    with open(path, encoding="utf-8", errors="replace") as f:
        text = re.sub(r"<!--.*?-->|<\?.*?\?>", "", f.read(), flags=re.S)
    return re.match(r"\s*<(\w+:)?%s\b" % name, text) is not None


def main():
    folder = tempfile.mkdtemp(prefix="px-rules-")
    try:
        offices = os.path.join(folder, "offices")
        import_offices(os.path.join(HERE, "offices.csv"), offices)
        cases = table("cases.tsv")
        check_completeness(cases)
        check_cases(cases, offices, folder)
        check_independent(cases, offices, folder)
        check_cost(offices)
        check_corpus(folder)
    finally:
        shutil.rmtree(folder)
    print("1..%d" % count)
    return 1 if failed else 0


DEBIAN = "/usr/bin/python3"

if __name__ == "__main__":
    # Another Python may come first in PATH; Debian's packages are those of Debian's.
    if sys.executable != DEBIAN and importlib.util.find_spec("lxml") is None and os.access(DEBIAN, os.X_OK):
        os.execv(DEBIAN, [DEBIAN, os.path.abspath(__file__)] + sys.argv[1:])
    sys.exit(main())
